import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { connect } from '@veristack/chain-evm'
import { developmentAccounts, startAnvil } from '@veristack/chain-evm/local'
import { transformSync } from 'esbuild'
import { runDeploy, secretFile } from './deploy.fixture.ts'

const root = resolve(__dirname, '../..')
const section = /## Deploying\n([\s\S]*?)\n## /.exec(readFileSync(join(root, 'README.md'), 'utf8'))?.[1] ?? ''
const block = (language: string): string => new RegExp(`\`\`\`${language}\n([\\s\\S]*?)\`\`\``).exec(section)?.[1] ?? ''
const argsOf = (line: string, rpcUrl: string): readonly string[] =>
  line.replace('npx veristack deploy ', '').replace('"$RPC_URL"', rpcUrl).split(' ')

/** A chain with Sepolia's id, on which blocks come, and are safe soon. */
async function sepolia<T>(work: (rpcUrl: string, folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'veristack-readme-'))
  const anvil = await startAnvil({ chainId: 11155111, args: ['--block-time', '1', '--slots-in-an-epoch', '1'] })
  try {
    await secretFile(folder, 'key', developmentAccounts[0]?.privateKey ?? '')
    return await work(anvil.rpcUrl, folder)
  } finally {
    await anvil.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

test('the lines about deploying do what they say', () =>
  sepolia(async (rpcUrl, folder) => {
    const [dry, run, check, ...more] = block('sh').trim().split('\n')
    if (dry === undefined || run === undefined || check === undefined) throw new Error('the README has other lines')
    expect(more).toEqual([])
    const planned = await runDeploy(folder, argsOf(dry, rpcUrl))
    expect(planned).toMatchObject({ status: 0, out: expect.stringMatching(/^gas +7,1\d\d,\d{3} at /m) })
    expect(planned.out).toMatch(/^Settlement +0x[0-9a-f]{40} {2}to deploy, 5,2\d\d,\d{3} gas$/m)
    expect(await runDeploy(folder, argsOf(run, rpcUrl))).toMatchObject({ status: 0, error: undefined })
    expect(await runDeploy(folder, argsOf(check, rpcUrl))).toMatchObject({ status: 0 })

    const { code } = transformSync(block('ts'), { loader: 'ts', format: 'esm', target: 'es2022' })
    const values = `const rpcUrl = ${JSON.stringify(rpcUrl)}; const signer = undefined; process.chdir(${JSON.stringify(folder)})`
    const script = `${values}\n${code}\nconst stop = new AbortController()\nawait settlement.start(stop.signal)\nconsole.log(settlement.client().deployment.settlement)\nawait settlement.stop()`
    const node = ['--conditions=@veristack/source', '--import', 'tsx', '--input-type=module', '-e', script]
    const { stdout } = await promisify(execFile)(process.execPath, node, { cwd: root })
    const file = JSON.parse(await readFile(join(folder, 'deployments/eip155-11155111.json'), 'utf8'))
    expect(stdout.trim()).toBe(file.contracts.Settlement.address)
  }))

test('the line of the first README does what it says', () =>
  sepolia(async (rpcUrl, folder) => {
    const readme = readFileSync(resolve(root, '../../README.md'), 'utf8')
    const line = /^npx veristack deploy .*$/m.exec(readme)?.[0] ?? ''
    expect(await runDeploy(folder, argsOf(line, rpcUrl))).toMatchObject({ status: 0, error: undefined })
    const chain = await connect({ rpcUrl })
    expect(await chain.rpc('eth_getTransactionCount', [developmentAccounts[0]?.address, 'latest'])).toBe('0x0')
    chain.close()
  }))

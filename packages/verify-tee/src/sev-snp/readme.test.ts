import { execFile } from 'node:child_process'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { honest } from './mutation.fixture.ts'

const run = promisify(execFile)
const home = join(__dirname, '..', '..')

/** The example's evidence is our own, so it ends where it has to: AMD's root is the only one. */
test('the example of the README runs as it stands', async () => {
  const readme = await readFile(join(home, 'README.md'), 'utf8')
  const code = /```ts run sev-snp\n([\s\S]*?)```/.exec(readme)?.[1]
  if (code === undefined) throw new Error('no example')
  const { report, collateral } = honest('Milan', 'vcek')
  const directory = join(home, 'node_modules', `.readme-sev-snp-${process.pid}`)
  await mkdir(directory, { recursive: true })
  try {
    const pem = `-----BEGIN CERTIFICATE-----\n${Buffer.from(collateral.issuer).toString('base64')}\n-----END CERTIFICATE-----\n`
    await writeFile(join(directory, 'example.mts'), code)
    await writeFile(join(directory, 'report.bin'), report)
    await writeFile(join(directory, 'vcek.der'), collateral.vek)
    await writeFile(join(directory, 'cert_chain.pem'), pem)
    await writeFile(join(directory, 'crl.der'), collateral.crl ?? '')
    const tsx = join(home, '..', '..', 'node_modules', 'tsx', 'dist', 'cli.mjs')
    const { stdout } = await run(process.execPath, [tsx, '--conditions=@veristack/source', 'example.mts'], {
      cwd: directory,
    })
    expect(stdout).toMatch(/^rejected chain: /)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
})

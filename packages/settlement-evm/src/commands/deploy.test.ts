import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Chain, connect, create2Address, deploy, laneOf, privateKeyAccount } from '@veristack/chain-evm'
import { type Anvil, developmentAccounts, startAnvil } from '@veristack/chain-evm/local'
import type { Hex } from '@veristack/core/receipt'
import { encryptKeystoreJson } from 'ethers'
import { seeded } from '../../../chain-evm/src/transactions/faults.fixture.ts'
import { CONTRACTS } from '../deployment-contracts.ts'
import { parseDeployment, readDeployment } from '../deployment-file.ts'
import { evm } from '../evm.ts'
import { runDeploy, said, secretFile, sendsOf, watchedRpc } from './deploy.fixture.ts'

const [first, second] = developmentAccounts
if (first === undefined || second === undefined) throw new Error('no accounts')
const URL_OF_NOBODY = 'http://127.0.0.1:1'
/** Of an account that has nothing. */
const POOR: Hex = `0x${'5e'.repeat(32)}`

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'veristack-deploy-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))
afterAll(() => {
  const all = said.join('\n').toLowerCase()
  expect(all.length).toBeGreaterThan(1000)
  for (const key of [first.privateKey, second.privateKey, POOR]) expect(all).not.toContain(key.slice(2))
  expect(all).not.toContain('open sesame')
})

const nonceOf = async (chain: Chain, address: string = first.address): Promise<number> =>
  Number(await chain.rpc('eth_getTransactionCount', [address, 'latest']))

/** A new chain, and the command on it. */
async function scene<T>(
  work: (p: {
    anvil: Anvil
    chain: Chain
    run: (...args: readonly string[]) => ReturnType<typeof runDeploy>
  }) => Promise<T>,
  args: readonly string[] = [],
  chainId = 31337,
): Promise<T> {
  const anvil = await startAnvil({ args, chainId })
  const chain = await connect({ rpcUrl: anvil.rpcUrl })
  const network = chainId === 31337 ? 'local' : `eip155:${chainId}`
  const run = (...more: readonly string[]) =>
    runDeploy(folder, ['--network', network, '--rpc-url', anvil.rpcUrl, ...more])
  try {
    return await work({ anvil, chain, run })
  } finally {
    chain.close()
    await anvil.stop()
  }
}

describe('deploy', () => {
  test('puts everything on a chain, says so in a file, and sends nothing the second time', () =>
    scene(async ({ chain, run, anvil }) => {
      const before = await run()
      expect(before).toMatchObject({ status: 0, error: undefined })
      for (const c of CONTRACTS) expect(before.out).toContain(`${c.name.padEnd(15)} ${create2Address(c)}  to deploy`)
      expect(before.out).toMatch(/gas +7,\d{3},\d{3} at [\d.]+ gwei\ncost +0\.0\d+ ETH \(\d+ wei\); at most/)
      expect(before.out).toContain('deployment      deployments/eip155-31337.json\n')
      expect(await nonceOf(chain)).toBe(3)

      const path = join(folder, 'deployments/eip155-31337.json')
      const [text, { ino }] = [await readFile(path, 'utf8'), await stat(path)]
      const file = parseDeployment(text)
      for (const c of CONTRACTS) {
        const stated = file.contracts[c.name]
        expect(stated.address).toBe(create2Address(c))
        const receipt = (await chain.rpc('eth_getTransactionReceipt', [stated.created?.transaction])) as {
          blockNumber: string
          blockHash: string
        }
        expect([BigInt(receipt.blockNumber), receipt.blockHash]).toEqual([
          BigInt(stated.created?.block ?? -1),
          stated.created?.blockHash,
        ])
      }

      const rpc = await watchedRpc(anvil.rpcUrl)
      const again = await runDeploy(folder, ['--network', 'local', '--rpc-url', rpc.rpcUrl])
      await rpc.stop()
      expect(again).toMatchObject({ status: 0 })
      expect(again.out).toMatch(/Settlement +0x[0-9a-f]{40} {2}stands there/)
      expect(sendsOf(rpc.calls)).toBe(0)
      // Not even written again.
      expect(await stat(path)).toMatchObject({ ino })
      expect(await readFile(path, 'utf8')).toBe(text)

      // Somebody else, who has neither file nor journal nor key, finds the same.
      const others = await mkdtemp(join(tmpdir(), 'veristack-deploy-'))
      await runDeploy(others, ['--network', 'local', '--rpc-url', anvil.rpcUrl])
      expect(await readFile(join(others, 'deployments/eip155-31337.json'), 'utf8')).toBe(text)
      await rm(others, { recursive: true })

      expect(await runDeploy(folder, ['--check', path, '--rpc-url', anvil.rpcUrl])).toMatchObject({
        status: 0,
        out: 'the deployment stands on eip155:31337 as the file and release 0.1.0 say\n',
      })
      const plugin = evm({ rpcUrl: anvil.rpcUrl, deployment: await readDeployment(path) })
      await plugin.start?.(new AbortController().signal)
      expect(plugin.client().deployment).toMatchObject({
        settlement: file.contracts.Settlement.address,
        block: BigInt(file.contracts.Settlement.created?.block ?? -1),
      })
      await plugin.stop?.()
    }))

  test('tells JSON, with integers as decimal strings', () =>
    scene(async ({ run }) => {
      const dry = await run('--dry-run', '--json')
      expect(JSON.parse(dry.out)).toMatchObject({
        network: 'eip155:31337',
        signer: first.address,
        plan: { hasFactory: true, gas: expect.stringMatching(/^7\d{6}$/), costWei: expect.stringMatching(/^\d+$/) },
      })
      const done = JSON.parse((await run('--json')).out)
      expect(done.file).toBe('deployments/eip155-31337.json')
      expect(parseDeployment(done.deployment)).toEqual(await readDeployment(join(folder, done.file)))
      const check = await run('--json').then(() =>
        runDeploy(folder, ['--check', done.file, '--rpc-url', URL_OF_NOBODY, '--json']),
      )
      expect(check.error).toMatchObject({ code: 'VS_EVM_UNREACHABLE' })
    }))

  test('a dry run sends and writes nothing, and needs no key', () =>
    scene(
      async ({ anvil, chain }) => {
        const rpc = await watchedRpc(anvil.rpcUrl)
        const { status, out } = await runDeploy(folder, [
          ...['--network', 'eip155:4242', '--rpc-url', rpc.rpcUrl],
          '--dry-run',
        ])
        await rpc.stop()
        expect(status).toBe(0)
        expect(out).toMatch(/signer +none\nfactory +present\n/)
        expect(rpc.calls.length).toBeGreaterThan(10)
        expect(sendsOf(rpc.calls)).toBe(0)
        expect(await readdir(folder)).toEqual([])
        expect(await chain.rpc('eth_blockNumber', [])).toBe('0x0')
      },
      [],
      4242,
    ))

  test('where the factory is absent, a local chain gets it and another one is told', async () => {
    const bare = ['--disable-default-create2-deployer']
    await scene(async ({ run }) => {
      expect((await run('--dry-run')).out).toMatch(/factory +absent; will be put in place/)
      expect(await run()).toMatchObject({ status: 0, error: undefined })
    }, bare)
    await rm(join(folder, 'journal'), { recursive: true })
    await scene(
      async ({ chain, run }) => {
        const key = await secretFile(folder, 'key', first.privateKey)
        expect(await run('--dry-run')).toMatchObject({ status: 1, out: expect.stringMatching(/factory +absent\n/) })
        const { error } = await run('--signer-file', key)
        expect(error).toMatchObject({ code: 'VS_EVM_NO_FACTORY', details: { network: 'eip155:4242' } })
        expect(await nonceOf(chain)).toBe(0)
      },
      bare,
      4242,
    )
  })

  test('a factory that is another contract is refused', () =>
    scene(async ({ chain, run }) => {
      await chain.rpc('anvil_setCode', ['0x4e59b44847b379578588920ca78fbf26c0b4956c', '0x60006000f3'])
      const { error } = await run()
      expect(error).toMatchObject({ code: 'VS_EVM_CODE_DIFFERS', details: { contract: 'factory' } })
      expect(await nonceOf(chain)).toBe(0)
    }))

  test.each(CONTRACTS.map((c) => [c.name, c] as const))('other code in place of %s: nothing is sent', (_, c) =>
    scene(async ({ chain, run }) => {
      await chain.rpc('anvil_setCode', [create2Address(c), '0x00'])
      const { error } = await run()
      expect(error).toMatchObject({
        code: 'VS_EVM_CODE_DIFFERS',
        details: { contract: c.name, got: expect.stringMatching(/^1 bytes/) },
      })
      expect(await nonceOf(chain)).toBe(0)
    }),
  )

  test('whoever deploys the same in between is no obstacle', () =>
    scene(async ({ anvil, chain }) => {
      const rival = laneOf(chain, await privateKeyAccount(second.privateKey))
      let rivals: Promise<unknown> | undefined
      let isLate = false
      const rpc = await watchedRpc(anvil.rpcUrl, (call) => {
        if (call.method !== 'eth_sendRawTransaction' || isLate) return { do: 'pass' }
        // Nothing of ours reaches the node until the rival is done.
        rivals ??= Promise.all(CONTRACTS.map((c) => deploy(rival, c))).then(() => {
          isLate = true
        })
        return { do: 'drop', when: 'before' }
      })
      const { status, error, err } = await runDeploy(folder, ['--network', 'local', '--rpc-url', rpc.rpcUrl])
      await rivals
      await rpc.stop()
      expect(error).toBeUndefined()
      expect(status).toBe(0)
      expect(err.match(/was there: block \d+, transaction 0x/g)).toHaveLength(3)
      const { contracts } = await readDeployment(join(folder, 'deployments/eip155-31337.json'))
      for (const { created } of Object.values(contracts)) {
        const sent = (await chain.rpc('eth_getTransactionByHash', [created?.transaction])) as { from: string }
        expect(sent.from).toBe(second.address)
      }
    }))

  test('an RPC that drops one call in five, before or after it was carried out', () =>
    scene(async ({ anvil, chain }) => {
      const random = seeded(11)
      const rpc = await watchedRpc(anvil.rpcUrl, (call) =>
        // The first question of all is not asked again: whoever mistypes a URL is told at once.
        call.method === 'eth_chainId' || random() > 0.2
          ? { do: 'pass' }
          : { do: 'drop', when: random() < 0.5 ? 'before' : 'after' },
      )
      expect(await runDeploy(folder, ['--network', 'local', '--rpc-url', rpc.rpcUrl])).toMatchObject({
        status: 0,
        error: undefined,
      })
      await rpc.stop()
      expect(rpc.done.get('drop')).toBeGreaterThan(5)
      expect(await nonceOf(chain)).toBe(3)
    }))

  test('another chain than the named one', () =>
    scene(async ({ anvil, run }) => {
      const other = ['--rpc-url', anvil.rpcUrl] as const
      expect((await runDeploy(folder, ['--network', 'sepolia', ...other])).error).toMatchObject({
        code: 'VS_EVM_WRONG_CHAIN',
        details: { expected: 11155111n, got: 31337n },
      })
      await run()
      await scene(
        async ({ anvil: elsewhere }) => {
          const there = ['--rpc-url', elsewhere.rpcUrl]
          const local = await runDeploy(folder, ['--network', 'local', ...there])
          expect(local.error).toMatchObject({ code: 'VS_SETTLE_INVALID_OPTION', details: { field: '--network' } })
          const file = 'deployments/eip155-31337.json'
          const check = await runDeploy(folder, ['--check', file, ...there])
          expect(check).toMatchObject({
            status: 1,
            out: 'differs: network; the chain has: eip155:4242; the file says: eip155:31337\n',
          })
          const over = await runDeploy(folder, ['--network', 'eip155:4242', '--file', file, ...there])
          expect(over.error).toMatchObject({ code: 'VS_SETTLE_DEPLOYMENT_DIFFERS', details: { field: 'network' } })
        },
        [],
        4242,
      )
    }))

  test('what is under way when it is stopped is brought to its end by the next run', () =>
    scene(async ({ chain, run, anvil }) => {
      await chain.rpc('evm_setAutomine', [false])
      const stop = new AbortController()
      const rpc = await watchedRpc(anvil.rpcUrl, (call, calls) => {
        const sent = calls.filter((c) => c.method === 'eth_sendRawTransaction').length
        if (sent === 3 && call.method !== 'eth_sendRawTransaction') stop.abort(new Error('interrupted'))
        return { do: 'pass' }
      })
      const stopped = await runDeploy(folder, ['--network', 'local', '--rpc-url', rpc.rpcUrl], stop.signal)
      await rpc.stop()
      expect(stopped.error).toMatchObject({ message: 'interrupted' })
      expect(await readdir(folder)).toEqual(['journal'])
      expect(await chain.rpc('txpool_status', [])).toMatchObject({ pending: '0x3' })
      const going = run()
      await chain.rpc('evm_setIntervalMining', [1])
      expect(await going).toMatchObject({ status: 0, error: undefined })
      expect(await nonceOf(chain)).toBe(3)
    }))

  test('what the node has forgotten of the time of the deployment is kept from the file', () =>
    scene(async ({ run, anvil, chain }) => {
      await run()
      const path = join(folder, 'deployments/eip155-31337.json')
      const before = await readFile(path, 'utf8')
      await chain.rpc('anvil_mine', ['0x20'])
      const rpc = await watchedRpc(anvil.rpcUrl, ({ method, params }) =>
        method === 'eth_getCode' && params[1] !== 'latest'
          ? { do: 'refuse', message: 'missing trie node' }
          : { do: 'pass' },
      )
      const args = ['--network', 'local', '--rpc-url', rpc.rpcUrl]
      expect(await runDeploy(folder, args)).toMatchObject({ status: 0, error: undefined })
      expect(await readFile(path, 'utf8')).toBe(before)
      await rm(path)
      expect(await runDeploy(folder, args)).toMatchObject({ status: 0, err: expect.stringContaining('block unknown') })
      await rpc.stop()
      expect((await readDeployment(path)).contracts.Bonds.created).toBeNull()
      expect(await runDeploy(folder, ['--check', path, '--rpc-url', anvil.rpcUrl])).toMatchObject({ status: 0 })
    }))

  test('a chain whose EVM can not run the contracts is refused before anything is sent', () =>
    scene(
      async ({ run, chain }) => {
        expect((await run()).error).toMatchObject({
          code: 'VS_EVM_INSTRUCTION',
          details: { contract: 'Settlement', instruction: 'TLOAD (Cancun)' },
        })
        expect(await chain.rpc('eth_blockNumber', [])).toBe('0x0')
      },
      ['--hardfork', 'shanghai'],
    ))

  test('what is sent is told with its hash before it is waited for, and to no key belongs the first account', () =>
    scene(
      async ({ chain, run }) => {
        const { err } = await run('--network', 'eip155:1337', '--confirmations', '2')
        for (const { name } of CONTRACTS) {
          const sent = new RegExp(`^  ${name} sent: (0x[0-9a-f]{64}), waiting until it is 2 blocks deep$`, 'm').exec(
            err,
          )
          expect(err).toMatch(new RegExp(`^  ${name} deployed: block \\d+, transaction ${sent?.[1]}$`, 'm'))
        }
        expect(await nonceOf(chain)).toBe(3)
      },
      ['--block-time', '1'],
      1337,
    ))

  test('a dry run warns of a fee below the base fee', () =>
    scene(async ({ run }) => {
      const { status, err } = await run('--dry-run', '--max-fee-per-gas-wei', '7')
      expect(status).toBe(0)
      expect(err).toMatch(/^warning: at most 0\.000000007 gwei is offered, and blocks ask for 1 gwei now/)
      expect((await run('--dry-run')).err).toBe('')
    }))

  test('a check says what the file has and what the chain has', () =>
    scene(async ({ anvil, chain, run }) => {
      await run()
      const path = join(folder, 'deployments/eip155-31337.json')
      const text = await readFile(path, 'utf8')
      await writeFile(path, text.replace(/"block": \d+/, '"block": 99'))
      const [c] = CONTRACTS
      if (c === undefined) throw new Error('no contracts')
      await chain.rpc('anvil_setCode', [create2Address(c), '0x00'])
      const { out } = await runDeploy(folder, ['--check', path, '--rpc-url', anvil.rpcUrl])
      expect(out).toMatch(/^differs: contracts\.Settlement: code; this release has: .*; the chain has: 1 bytes/m)
      expect(out).toMatch(/^differs: contracts\.Settlement\.created\.block; the chain has: \d; the file says: 99$/m)
    }))

  test('a file in the way that is no deployment is refused before anything is sent', () =>
    scene(async ({ chain, run }) => {
      await writeFile(join(folder, 'mine.json'), '{"precious":true}\n')
      expect((await run('--file', 'mine.json')).error).toMatchObject({
        code: 'VS_SETTLE_DEPLOYMENT_INVALID',
        details: { path: join(folder, 'mine.json'), field: 'deployment.version', expected: '1', got: 'nothing' },
      })
      expect(await readFile(join(folder, 'mine.json'), 'utf8')).toBe('{"precious":true}\n')
      expect(await nonceOf(chain)).toBe(0)
    }))
})

describe('the key', () => {
  const onPublic = (
    work: (run: (...args: readonly string[]) => ReturnType<typeof runDeploy>, chain: Chain) => Promise<void>,
  ) => scene(({ run, chain }) => work((...args) => run('--confirmations', '1', ...args), chain), [], 4242)
  const withVariable = async <T>(name: string, value: string, work: () => Promise<T>): Promise<T> => {
    process.env[name] = value
    try {
      return await work()
    } finally {
      delete process.env[name]
    }
  }

  test('comes from a file that only its owner reads', () =>
    onPublic(async (run, chain) => {
      for (const mode of [0o640, 0o604, 0o644, 0o620]) {
        const exposed = await secretFile(folder, 'exposed', first.privateKey, mode)
        expect((await run('--signer-file', exposed)).error).toMatchObject({
          code: 'VS_SETTLE_KEY_EXPOSED',
          details: { got: mode.toString(8) },
        })
      }
      expect(await nonceOf(chain)).toBe(0)
      const key = await secretFile(folder, 'key', `${first.privateKey.slice(2).toUpperCase()}\n`, 0o400)
      expect(await run('--signer-file', key)).toMatchObject({ status: 0, error: undefined })
      expect(await nonceOf(chain)).toBe(3)
    }))

  test('comes from the environment', () =>
    onPublic(async (run, chain) => {
      await withVariable('VERISTACK_SIGNER_KEY', second.privateKey, async () => {
        expect(await run()).toMatchObject({ status: 0, error: undefined })
      })
      expect(await nonceOf(chain, second.address)).toBe(3)
    }))

  test('comes from a keystore, with the password from a file or the environment', () =>
    onPublic(async (run, chain) => {
      const json = await encryptKeystoreJson({ address: first.address, privateKey: first.privateKey }, 'open sesame', {
        scrypt: { N: 1024 },
      })
      const keystore = await secretFile(folder, 'keystore.json', json, 0o644)
      const [right, wrong, exposed] = await Promise.all([
        secretFile(folder, 'right', 'open sesame\n'),
        secretFile(folder, 'wrong', 'open sesame!\n'),
        secretFile(folder, 'exposed', 'open sesame\n', 0o644),
      ])
      const dry = async (...args: readonly string[]) => (await run('--dry-run', '--keystore', keystore, ...args)).error
      expect(await dry()).toMatchObject({ code: 'VS_SETTLE_INVALID_OPTION', details: { field: '--password-file' } })
      expect(await dry('--password-file', wrong)).toMatchObject({ code: 'VS_EVM_KEY' })
      expect(await dry('--password-file', exposed)).toMatchObject({ code: 'VS_SETTLE_KEY_EXPOSED' })
      await withVariable('VERISTACK_KEYSTORE_PASSWORD', 'open sesame', async () => {
        expect((await run('--dry-run', '--keystore', keystore)).out).toContain(first.address)
      })
      expect(await run('--keystore', keystore, '--password-file', right)).toMatchObject({ status: 0 })
      expect(await nonceOf(chain)).toBe(3)
      const noKeystore = await secretFile(folder, 'none', '{"version":3}')
      expect((await run('--keystore', noKeystore, '--password-file', right)).error).toMatchObject({
        code: 'VS_EVM_KEY',
      })
    }))

  test('is absent, or pays for nothing', () =>
    onPublic(async (run, chain) => {
      expect((await run()).error).toMatchObject({
        code: 'VS_SETTLE_NO_SIGNER',
        remedy: expect.stringContaining('--signer-file'),
      })
      const poor = await secretFile(folder, 'poor', POOR)
      expect((await run('--signer-file', poor)).error).toMatchObject({
        code: 'VS_SETTLE_INSUFFICIENT_FUNDS',
        details: { gotWei: 0n, missing: expect.stringMatching(/^0\.\d+ ETH$/) },
      })
      expect(await run('--dry-run', '--signer-file', poor)).toMatchObject({
        status: 0,
        err: expect.stringMatching(/^warning: the signer has 0 ETH; 0\.\d+ ETH more is needed\n$/),
      })
      expect(await chain.rpc('eth_blockNumber', [])).toBe('0x0')
    }))

  test.each([
    ['its digits', [first.privateKey]],
    ['without 0x', [first.privateKey.slice(2)]],
    ['a digit short', [first.privateKey.slice(0, -1)]],
    ['an unknown option', ['--private-key', first.privateKey]],
    ['joined to an option', [`--signer-file=${first.privateKey}`]],
    ['as a path', ['--signer-file', first.privateKey]],
    ['as a network', ['--network', first.privateKey]],
    ['as words', ['--signer-file', 'test test test test test test test test test test test junk']],
  ])('on the command line is refused, and not repeated: %s', async (_, args) => {
    const { error, out, err } = await runDeploy(folder, ['--rpc-url', URL_OF_NOBODY, ...args])
    expect(error).toMatchObject({ code: 'VS_SETTLE_KEY_EXPOSED' })
    expect(`${out}${err}${String(error)}`).not.toContain('junk')
  })

  test.each([
    ['empty', ''],
    ['zero', `0x${'00'.repeat(32)}`],
    ['the order of the curve', '0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141'],
    ['two', `${first.privateKey}\n${second.privateKey}`],
    ['an address', first.address],
  ])('that is none: %s', (_, text) =>
    onPublic(async (run) => {
      const file = await secretFile(folder, 'key', text)
      expect((await run('--signer-file', file)).error).toMatchObject({ code: 'VS_SETTLE_KEY_INVALID' })
    }),
  )
})

test.each([
  ['--network is missing', []],
  ['an unknown network', ['--network', 'mars']],
  ['confirmations 0', ['--network', 'local', '--confirmations', '0']],
  ['confirmations in words', ['--network', 'local', '--confirmations', 'soon']],
  ['a fee in gwei', ['--network', 'local', '--max-fee-per-gas-wei', '1.5']],
  ['two signers', ['--network', 'local', '--signer-file', 'a', '--keystore', 'b']],
  ['a password without a keystore', ['--network', 'local', '--password-file', 'a']],
  ['a check that is also a deployment', ['--check', 'a', '--network', 'local']],
  ['an unknown option', ['--network', 'local', '--fast']],
  ['an argument', ['--network', 'local', 'now']],
])('refused options: %s', async (_, args) => {
  const { error } = await runDeploy(folder, ['--rpc-url', URL_OF_NOBODY, ...args])
  expect(error).toMatchObject({ code: 'VS_SETTLE_INVALID_OPTION', details: { help: 'veristack deploy --help' } })
})

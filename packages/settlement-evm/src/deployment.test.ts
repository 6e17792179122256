import { readFileSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Chain, connect, create2Address, initCode, laneOf, privateKeyAccount } from '@veristack/chain-evm'
import { type Anvil, developmentAccounts, startAnvil } from '@veristack/chain-evm/local'
import type { Address, Hex } from '@veristack/core/receipt'
import fc from 'fast-check'
import { bondsImmutableReferences } from './bindings/Bonds.ts'
import { CONTRACTS } from './deployment-contracts.ts'
import {
  compareDeployment,
  type DeploymentFile,
  deployRelease,
  evm,
  parseDeployment,
  readDeployment,
  serialiseDeployment,
  writeDeployment,
} from './index.ts'
import { RELEASE } from './release.ts'

const [first] = developmentAccounts
if (first === undefined) throw new Error('no accounts')
const bonds = CONTRACTS.find((c) => c.name === 'Bonds')
if (bonds === undefined) throw new Error('no Bonds')

let anvil: Anvil
let chain: Chain
let file: DeploymentFile
beforeAll(async () => {
  // A public chain's id: nothing is deployed behind anybody's back.
  anvil = await startAnvil({ chainId: 4242 })
  chain = await connect({ rpcUrl: anvil.rpcUrl })
  file = await deployRelease({ chain, lane: laneOf(chain, await privateKeyAccount(first.privateKey)) })
})
afterAll(async () => {
  chain.close()
  await anvil.stop()
})

type Path = readonly string[]
type Data = { [k: string]: unknown }

const data = (): Data => JSON.parse(serialiseDeployment(file)) as Data
const inner = (root: Data, path: Path): Data => path.reduce((o, k) => o[k] as Data, root)
const nodes = (value: unknown, path: Path = []): readonly { path: Path; value: unknown }[] => [
  { path, value },
  ...(typeof value === 'object' && value !== null
    ? Object.entries(value).flatMap(([k, v]) => nodes(v, [...path, k]))
    : []),
]
/** The same kind of value, and another one. */
const altered = (value: unknown): unknown => {
  if (typeof value === 'number') return value + 1
  if (typeof value === 'boolean') return !value
  if (typeof value !== 'string') return 'another'
  const last = value.at(-1)
  return /^\d$/.test(last ?? '')
    ? `${value.slice(0, -1)}${(Number(last) + 1) % 10}`
    : `${value.slice(0, -1)}${last === 'a' ? 'b' : 'a'}`
}
const started = async (deployment: DeploymentFile): Promise<unknown> => {
  const plugin = evm({ rpcUrl: anvil.rpcUrl, deployment })
  try {
    return await plugin.start?.(new AbortController().signal)
  } finally {
    await plugin.stop?.()
  }
}

/** The places are those of any deployment, so that each is a test of its own. */
const shape = (() => {
  const created = { block: 1, blockHash: '', transaction: '' }
  const contract = { address: '', salt: '', initCodeHash: '', codeHash: '', created }
  return nodes({
    version: 1,
    release: '',
    network: '',
    compiler: { solc: '', evmVersion: '', optimizerRuns: 0, viaIR: true },
    factory: '',
    contracts: { Settlement: contract, ProgramRegistry: contract, Bonds: contract },
  })
})()
const places = shape.map((n) => n.path)
const leaves = shape.filter((n) => typeof n.value !== 'object').map((n) => n.path)
const name = (path: Path): string => path.join('.')

test('the places of this test are those of the file', () => {
  expect(nodes(data()).map((n) => n.path)).toEqual(places)
})

test.each(leaves.map((path) => [name(path), path] as const))('%s changed: refused, by its name', async (text, path) => {
  const changed = data()
  const at = inner(changed, path.slice(0, -1))
  const key = path.at(-1) ?? ''
  const expected = at[key]
  at[key] = altered(expected)
  const why = (async () => started(parseDeployment(changed)))()
  if (text === 'version') {
    await expect(why).rejects.toMatchObject({
      code: 'VS_SETTLE_DEPLOYMENT_INVALID',
      details: { field: 'deployment.version' },
    })
    return
  }
  const details = { field: text, got: String(at[key]) }
  await expect(why).rejects.toMatchObject({ code: 'VS_SETTLE_DEPLOYMENT_DIFFERS', details })
  // A transaction or block that differs is not always known by another value.
  if (!path.includes('created')) await expect(why).rejects.toMatchObject({ details: { expected: String(expected) } })
})

test.each(places.slice(1).map((path) => [name(path), path] as const))('%s left out: refused', (text, path) => {
  const changed = data()
  delete inner(changed, path.slice(0, -1))[path.at(-1) ?? '']
  expect(() => parseDeployment(changed)).toThrow(
    expect.objectContaining({
      code: 'VS_SETTLE_DEPLOYMENT_INVALID',
      details: expect.objectContaining({ field: `deployment.${text}` }),
    }),
  )
})

const objects = shape.filter((n) => typeof n.value === 'object').map((n) => n.path)
test.each(objects.map((path) => [name(path), path] as const))('an unknown field in "%s": refused', (text, path) => {
  const changed = data()
  inner(changed, path).extra = 1
  const field = ['deployment', ...(text === '' ? [] : [text]), 'extra'].join('.')
  expect(() => parseDeployment(changed)).toThrow(
    expect.objectContaining({ details: expect.objectContaining({ field }) }),
  )
})

test('transactions of two contracts exchanged: refused', async () => {
  const { Settlement, ProgramRegistry } = file.contracts
  const contracts = { ...file.contracts, Settlement: { ...Settlement, created: ProgramRegistry.created } }
  await expect(started({ ...file, contracts })).rejects.toMatchObject({
    details: { field: 'contracts.Settlement.created.transaction', expected: 'the one that deployed it' },
  })
})

describe('where the transaction is not stated', () => {
  const stating = (change: { readonly block?: number; readonly blockHash?: string } | null) => {
    const created = file.contracts.Settlement.created
    const stated = change === null ? null : { ...created, transaction: null, ...change }
    return parseDeployment({
      ...file,
      contracts: { ...file.contracts, Settlement: { ...file.contracts.Settlement, created: stated } },
    })
  }
  test('the block alone, or nothing, is accepted', async () => {
    expect(await compareDeployment(chain, stating({}))).toEqual([])
    expect(await compareDeployment(chain, stating(null))).toEqual([])
  })
  test('another block is refused', async () => {
    // The contracts may share a block.
    const head = Number(await chain.rpc('eth_blockNumber', []))
    for (const tag of Array.from({ length: head + 1 }, (_, n) => `0x${n.toString(16)}`)) {
      const { number, hash } = (await chain.rpc('eth_getBlockByNumber', [tag, false])) as { number: Hex; hash: Hex }
      if (Number(number) === file.contracts.Settlement.created?.block) continue
      const [first] = await compareDeployment(chain, stating({ block: Number(number), blockHash: hash }))
      expect(first).toMatchObject({ field: 'contracts.Settlement.created.block' })
    }
    const [later] = await compareDeployment(chain, stating({ block: 1_000_000 }))
    expect(later).toMatchObject({ field: 'contracts.Settlement.created.block', expected: `at most ${head}` })
  })
})

describe('code on chain', () => {
  const address = create2Address(bonds)
  const withCode = async (at: Hex, change: (code: Hex) => Hex, work: () => Promise<void>): Promise<void> => {
    const before = (await chain.rpc('eth_getCode', [at, 'latest'])) as Hex
    await chain.rpc('anvil_setCode', [at, change(before)])
    try {
      await work()
    } finally {
      await chain.rpc('anvil_setCode', [at, before])
    }
  }
  const flip = (code: Hex, byte: number): Hex => {
    const at = 2 + 2 * byte
    const value = (Number.parseInt(code.slice(at, at + 2), 16) ^ 1).toString(16).padStart(2, '0')
    return `0x${code.slice(2, at)}${value}${code.slice(at + 2)}`
  }

  test('the immutables of the compiled contract are those that are compared', () => {
    expect(bondsImmutableReferences.map((r) => r.name).sort()).toEqual([
      '_cachedChainId',
      '_cachedDomainSeparator',
      '_cachedThis',
      '_hashedName',
      '_hashedVersion',
      '_name',
      '_version',
    ])
  })

  test.each(bondsImmutableReferences.map((r) => [r.name, r] as const))('immutable %s: refused', (_, r) =>
    withCode(
      address,
      (code) => flip(code, r.start + r.length - 1),
      async () => {
        const immutable = bonds.expected(4242n, address).immutables?.find((i) => i.name === r.name)
        await expect(started(file)).rejects.toMatchObject({
          code: 'VS_SETTLE_DEPLOYMENT_DIFFERS',
          details: { field: `contracts.Bonds: immutable ${r.name}`, expected: immutable?.value },
        })
        // By its address alone too.
        const plain = {
          settlement: file.contracts.Settlement.address,
          registry: file.contracts.ProgramRegistry.address,
        }
        const plugin = evm({ rpcUrl: anvil.rpcUrl, deployment: { ...plain, bonds: address } })
        await expect(plugin.start?.(new AbortController().signal)).rejects.toMatchObject({
          code: 'VS_EVM_CODE_DIFFERS',
        })
      },
    ),
  )

  test.each(CONTRACTS.map((c) => [c.name, c] as const))('any byte of %s: refused', async (_, c) => {
    const at = create2Address(c)
    const { length } = (await chain.rpc('eth_getCode', [at, 'latest'])) as Hex
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: (length - 2) / 2 - 1 }), (byte) =>
        withCode(
          at,
          (code) => flip(code, byte),
          async () => {
            const [difference] = await compareDeployment(chain, file)
            expect(difference?.field).toMatch(new RegExp(`^contracts.${c.name}: (code|immutable )`))
          },
        ),
      ),
      { numRuns: 15 },
    )
  })

  test('the very code of this release at another address: refused, for its storage is unknown', async () => {
    const { Settlement, ProgramRegistry } = file.contracts
    const code = (await chain.rpc('eth_getCode', [Settlement.address, 'latest'])) as Hex
    const size = ((code.length - 2) / 2).toString(16).padStart(4, '0')
    // SSTORE(0, 1), then the code is returned: what a constructor that credits its author would do.
    const data = `0x600160005561${size}80600f5f395ff3${code.slice(2)}`
    const transaction = await chain.rpc('eth_sendTransaction', [{ from: first.address, data, gas: '0x7a1200' }])
    let receipt: { readonly contractAddress: Address } | null = null
    while (receipt === null)
      receipt = (await chain.rpc('eth_getTransactionReceipt', [transaction])) as { contractAddress: Address } | null
    const { contractAddress } = receipt
    expect(await chain.rpc('eth_getCode', [contractAddress, 'latest'])).toBe(code)
    expect(BigInt((await chain.rpc('eth_getStorageAt', [contractAddress, '0x0', 'latest'])) as Hex)).toBe(1n)
    const start = (settlement: Address) =>
      evm({ rpcUrl: anvil.rpcUrl, deployment: { settlement, registry: ProgramRegistry.address } }).start?.(
        new AbortController().signal,
      )
    await expect(start(contractAddress)).rejects.toMatchObject({
      code: 'VS_SETTLE_DEPLOYMENT_DIFFERS',
      details: { field: 'deployment.settlement', expected: Settlement.address, got: contractAddress },
    })
  })

  test('none at all: refused', () =>
    withCode(
      address,
      () => '0x',
      async () => {
        await expect(started(file)).rejects.toMatchObject({
          details: { field: 'contracts.Bonds: code', got: 'no code' },
        })
      },
    ))
})

describe('the file', () => {
  let folder = ''
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'veristack-deployment-'))
  })
  afterEach(() => rm(folder, { recursive: true, force: true }))

  test('is written whole, in one form, and read again', async () => {
    const path = join(folder, 'deployments/eip155-4242.json')
    await writeDeployment(path, file)
    await writeDeployment(path, file)
    expect(await readdir(join(folder, 'deployments'))).toEqual(['eip155-4242.json'])
    expect(await readDeployment(path)).toEqual(file)
    const text = await readFile(path, 'utf8')
    expect(parseDeployment(text.replaceAll('\n', '\r\n'))).toEqual(file)
    expect(parseDeployment(JSON.parse(text))).toEqual(file)
  })

  test.each([
    ['no JSON', () => 'deployment', /expected: JSON/],
    ['another order', () => JSON.stringify({ ...data(), version: 1, release: RELEASE }, null, 1), /another order/],
    [
      'a name twice',
      (text: string) => text.replace('"version": 1,', '"version": 2,\n  "version": 1,'),
      /repeated names/,
    ],
    ['more behind it', (text: string) => `${text}\n`, /another order, spacing/],
    ['too large', (text: string) => text + ' '.repeat(65_536), /at most 65536/],
    ['a list', () => '[]', /field: deployment\n/],
    ['upper case', (text: string) => text.replace(/0x4e59b44/, '0x4E59b44'), /field: deployment.factory/],
    ['a block below zero', (text: string) => text.replace(/"block": \d+/, '"block": -1'), /created.block/],
    ['a chain id of 0', (text: string) => text.replace('eip155:4242', 'eip155:0'), /field: deployment.network/],
  ])('with %s is refused', async (_, change, message) => {
    const path = join(folder, 'file.json')
    await writeFile(path, change(serialiseDeployment(file)))
    await expect(readDeployment(path)).rejects.toThrow(message)
  })

  test('that is absent, or a folder', async () => {
    await expect(readDeployment(join(folder, 'none'))).rejects.toMatchObject({
      code: 'VS_SETTLE_FILE',
      details: { reason: 'no such file' },
    })
    await expect(readDeployment(folder)).rejects.toMatchObject({ code: 'VS_SETTLE_FILE' })
  })
})

test('the release is the version of the package', () => {
  const manifest: { readonly version: string } = JSON.parse(readFileSync(join(__dirname, '../package.json'), 'utf8'))
  expect(RELEASE).toBe(manifest.version)
})

test('every contract and every transaction that deploys one is within the limits of the protocol', async () => {
  for (const c of CONTRACTS) {
    const { code } = c.expected(1n, create2Address(c))
    expect((code.length - 2) / 2).toBeLessThanOrEqual(24_576)
    expect((initCode(c).length - 2) / 2).toBeLessThanOrEqual(49_152)
    const receipt = (await chain.rpc('eth_getTransactionReceipt', [file.contracts[c.name].created?.transaction])) as {
      readonly gasUsed: Hex
    }
    expect(Number(receipt.gasUsed)).toBeLessThanOrEqual(16_777_216)
  }
})

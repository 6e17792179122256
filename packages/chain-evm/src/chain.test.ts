import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  type Address,
  type Digest,
  fromHex,
  type Hex,
  isVeristackError,
  keccak,
  toHex,
  ZERO_ADDRESS,
} from '@veristack/core'
import { getCreate2Address, keccak256, TypedDataEncoder } from 'ethers'
import vectors from '../../core/src/claim/vectors/claim-v1.json'
import {
  type Chain,
  checkCode,
  codeHash,
  connect,
  create2Address,
  deploy,
  FACTORY,
  type Lane,
  laneOf,
  privateKeyAccount,
  read,
  revertName,
} from './index.ts'
import { type Anvil, developmentAccounts, startAnvil } from './local/index.ts'

/** Reverts with `Refused(uint256 7)` when called with data; otherwise takes what it is sent. */
const REFUSER = '0x3615602b577f' as const
const abi = [
  { type: 'error', name: 'Refused', inputs: [{ name: 'why', type: 'uint256' }] },
  { type: 'function', name: 'ask', stateMutability: 'view', inputs: [], outputs: [] },
] as const
const refused = toHex(keccak(new TextEncoder().encode('Refused(uint256)'))).slice(2, 10)
const runtime = `${REFUSER}${refused}${'0'.repeat(56)}600052600760045260246000fd5b00` as Hex
const creation = (code: Hex): Hex => {
  const size = ((code.length - 2) / 2).toString(16).padStart(2, '0')
  return `0x60${size}600c60003960${size}6000f3${code.slice(2)}`
}

let anvil: Anvil
let chain: Chain
let lane: Lane
const [first, second] = developmentAccounts
if (first === undefined || second === undefined) throw new Error('no accounts')

beforeAll(async () => {
  anvil = await startAnvil({ args: ['--disable-default-create2-deployer'] })
  chain = await connect({ rpcUrl: anvil.rpcUrl, chainId: 31337n })
  lane = laneOf(chain, await privateKeyAccount(first.privateKey))
})
afterAll(async () => {
  chain.close()
  await anvil.stop()
})

test('development accounts are what their keys say', async () => {
  for (const { address, privateKey } of developmentAccounts) {
    expect((await privateKeyAccount(privateKey)).address).toBe(address)
    expect(await chain.balance(address)).toBeGreaterThan(10n ** 20n)
  }
})

test('reads blocks, balances and code', async () => {
  const now = await chain.now()
  expect(now.timestamp).toBeGreaterThan(1_700_000_000n)
  expect(chain.network).toBe('eip155:31337')
  expect(await chain.code(ZERO_ADDRESS)).toBe('0x')
})

test('what no contract answers is a refusal of the chain, not a fault of a library', async () => {
  const abi = [{ type: 'function', name: 'count', inputs: [], outputs: [{ type: 'uint256' }] }] as const
  const asked = read(chain, { address: ZERO_ADDRESS, abi, name: 'count', args: [] })
  await expect(asked).rejects.toMatchObject({ code: 'VS_EVM_RPC', details: { address: ZERO_ADDRESS } })
})

describe('deployment', () => {
  test('puts the factory in place on a local chain, and a contract at its address once', async () => {
    expect(await chain.code(FACTORY)).toBe('0x')
    const c = { bytecode: creation(runtime), name: 'refuser' }
    const deployed = await deploy(lane, c)
    expect(deployed.address).toBe(create2Address(c))
    expect(deployed.transaction?.gasUsed).toBeGreaterThan(50_000n)
    expect(await chain.code(deployed.address)).toBe(runtime)
    expect(deployed.codeHash).toBe(codeHash(runtime))
    expect(await deploy(lane, c)).toEqual({ address: deployed.address, codeHash: deployed.codeHash })
  })

  test('computes addresses as EIP-1014 does', () => {
    const salt = `0x${'5a'.repeat(32)}` as Hex
    const c = { bytecode: creation(runtime), constructorArgs: '0x0102' as Hex, salt }
    const expected = getCreate2Address(FACTORY, salt, keccak256(`${c.bytecode}0102`))
    expect(create2Address(c)).toBe(expected.toLowerCase())
  })

  test('tells code that differs, with and without immutables', async () => {
    const { address } = await deploy(lane, { bytecode: creation(runtime), name: 'refuser' })
    const expected = { name: 'refuser', address, code: runtime }
    expect(await checkCode(chain, expected)).toBe(codeHash(runtime))
    const other = `${runtime.slice(0, -2)}01` as Hex
    await expect(checkCode(chain, { ...expected, code: other })).rejects.toMatchObject({ code: 'VS_EVM_CODE_DIFFERS' })
    await expect(checkCode(chain, { ...expected, address: ZERO_ADDRESS })).rejects.toMatchObject({
      details: { got: 'no code' },
    })

    // As a compiler leaves it: zeros where the constructor puts the selector.
    const range = { name: 'selector', start: 6, length: 4 }
    const template = `${REFUSER}${'0'.repeat(8)}${runtime.slice(22)}` as Hex
    const named = (value: Hex) => ({ ...expected, code: template, immutables: [{ ...range, value }] })
    await checkCode(chain, named(`0x${refused}`))
    await expect(checkCode(chain, named('0x00000001'))).rejects.toMatchObject({
      code: 'VS_EVM_CODE_DIFFERS',
      details: { field: 'immutable selector', expected: '0x00000001', got: `0x${refused}` },
    })
    await expect(checkCode(chain, { ...expected, code: template })).rejects.toMatchObject({
      code: 'VS_EVM_CODE_DIFFERS',
      details: { field: 'code' },
    })
  })
})

describe('transactions', () => {
  const to = `0x${'77'.repeat(20)}` as Address

  test('side by side, every one gets its own nonce and none is lost', async () => {
    const before = await chain.balance(to)
    const mined = await Promise.all(
      Array.from({ length: 25 }, () => lane.send({ to, data: '0x', valueWei: 3n, name: 'transfer' })),
    )
    expect(new Set(mined.map((m) => m.hash)).size).toBe(25)
    expect((await chain.balance(to)) - before).toBe(75n)
    expect(mined.every((m) => m.gasUsed === 21_000n && m.feeWei > 0n)).toBe(true)
  })

  test('one lane per account and chain', async () => {
    expect(laneOf(chain, await privateKeyAccount(first.privateKey))).toBe(lane)
    expect(laneOf(chain, await privateKeyAccount(second.privateKey))).not.toBe(lane)
  })

  test('goes on after a refusal, with the same nonce', async () => {
    const { address } = await deploy(lane, { bytecode: creation(runtime), name: 'refuser' })
    const sends = await Promise.allSettled([
      lane.send({ to, data: '0x', valueWei: 1n, name: 'transfer' }),
      lane.send({ to: address, data: '0x01', name: 'ask', abi }),
      lane.send({ to, data: '0x', valueWei: 1n, name: 'transfer' }),
    ])
    expect(sends.map((s) => s.status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    const [, why] = sends
    expect(
      why?.status === 'rejected' && isVeristackError(why.reason, 'VS_EVM_REVERTED') && why.reason.details,
    ).toMatchObject({
      call: 'ask',
      error: 'Refused',
      arguments: 'why: 7',
    })
  })

  test('names an error that it does not know by its selector', async () => {
    const { address } = await deploy(lane, { bytecode: creation(runtime), name: 'refuser' })
    const why = await lane.send({ to: address, data: '0x01', name: 'ask' }).catch((e: unknown) => e)
    expect(revertName(why)).toBe(`0x${refused}`)
    const view = await read(chain, { address, abi, name: 'ask', args: [] }).catch((e: unknown) => e)
    expect(revertName(view)).toBe('Refused')
  })

  test('takes a refusal without data, or with less than it should have, as one', async () => {
    // Reverts with nothing; with 2 bytes; with the selector of a known error and nothing else.
    const cases = [
      ['5f5ffd', 'none'],
      ['61abcd5f526002601efd', '0xabcd'],
      [`63${refused}5f526004601cfd`, `0x${refused}`],
    ] as const
    for (const [code, name] of cases) {
      const { address } = await deploy(lane, { bytecode: creation(`0x${code}`), name: 'refuser' })
      const view = await read(chain, { address, abi, name: 'ask', args: [] }).catch((e: unknown) => e)
      expect(revertName(view)).toBe(name)
      const sent = await lane.send({ to: address, data: '0x01', name: 'ask', abi }).catch((e: unknown) => e)
      expect(revertName(sent)).toBe(name)
    }
  })

  test('refuses more gas than one transaction may use', async () => {
    // 800,000 turns of 26 gas.
    const heavy = creation('0x620c35005b60019003806004570000')
    await chain.rpc('evm_setBlockGasLimit', ['0x3938700'])
    const { address } = await deploy(lane, { bytecode: heavy, name: 'heavy' })
    const why = await lane.send({ to: address, data: '0x', name: 'burn' }).catch((e: unknown) => e)
    expect(isVeristackError(why, 'VS_EVM_GAS_CAP') && why.details).toMatchObject({ call: 'burn', allowed: 16_777_216n })
  })

  test('a nonce that another process took is no obstacle: the next one is used, once', async () => {
    const account = await privateKeyAccount(second.privateKey)
    const mine = laneOf(chain, account)
    await mine.send({ to, data: '0x', name: 'transfer' })
    const before = await chain.balance(to)
    await chain.rpc('evm_setAutomine', [false])
    try {
      const sent = mine.send({ to, data: '0x', valueWei: 5n, name: 'transfer' })
      while (((await chain.rpc('txpool_status', [])) as { pending: string }).pending === '0x0') {}
      await chain.rpc('anvil_dropAllTransactions', [])
      const rival = {
        type: 2,
        chainId: 31337n,
        nonce: 1,
        to,
        value: 9n,
        data: '0x',
        gasLimit: 21_000n,
        maxFeePerGas: 10n ** 10n,
        maxPriorityFeePerGas: 1n,
      } as const
      await chain.rpc('eth_sendRawTransaction', [await account.sign(rival)])
      await chain.rpc('evm_mine', [])
      await chain.rpc('evm_setAutomine', [true])
      await sent
      expect((await chain.balance(to)) - before).toBe(14n)
      expect(await chain.rpc('eth_getTransactionCount', [account.address, 'latest'])).toBe('0x3')
    } finally {
      await chain.rpc('evm_setAutomine', [true])
    }
  })

  test('waiting ends with its signal', async () => {
    await chain.rpc('evm_setAutomine', [false])
    try {
      const stop = new AbortController()
      const waiting = lane.send({ to, data: '0x', name: 'transfer' }, stop.signal)
      while (((await chain.rpc('txpool_status', [])) as { pending: string }).pending === '0x0') {}
      stop.abort(new Error('enough'))
      await expect(waiting).rejects.toThrow('enough')
      await expect(lane.send({ to, data: '0x', name: 'transfer' }, stop.signal)).rejects.toThrow('enough')
    } finally {
      await chain.rpc('evm_mine', [])
      await chain.rpc('evm_setAutomine', [true])
    }
  })
})

describe('a node that does not answer as it should', () => {
  let server: Server
  let url: string
  let answer: string
  beforeAll(async () => {
    server = createServer((_, response) => response.end(answer))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/secret-key`
  })
  afterAll(() => new Promise((resolve) => server.close(resolve)))

  test.each(['<html>', '{}', '{"result":"zero"}', '[]'])('%s', async (text) => {
    answer = text
    const why = await connect({ rpcUrl: url }).catch((e: unknown) => e)
    expect(isVeristackError(why, 'VS_EVM_UNREACHABLE')).toBe(true)
    expect(String(why)).not.toContain('secret-key')
  })

  test('another chain', async () => {
    answer = '{"jsonrpc":"2.0","id":1,"result":"0x1"}'
    await expect(connect({ rpcUrl: url, chainId: 5n })).rejects.toMatchObject({ code: 'VS_EVM_WRONG_CHAIN' })
  })
})

/** The same structs, hashed by ethers: contracts, core and an independent encoder agree (contracts: forge, same file). */
test('the vectors are what ethers computes', () => {
  const types = {
    Claim: [
      'request:bytes32',
      'program:bytes32',
      'inputs:bytes32',
      'outputs:bytes32',
      'requirement:bytes32',
      'claimant:address',
      'chainId:uint256',
      'verifyingContract:address',
      'expiresAt:uint64',
    ].map((m) => ({ name: m.split(':')[0] ?? '', type: m.split(':')[1] ?? '' })),
  }
  expect(vectors.claims.length).toBeGreaterThan(0)
  for (const c of vectors.claims) {
    const domain = { name: 'Veristack', version: '1', chainId: BigInt(c.chainId), verifyingContract: c.contract }
    expect(TypedDataEncoder.hash(domain, types, { ...c, verifyingContract: c.contract })).toBe(c.digest)
  }
})

test('code hashes are keccak256', () => {
  expect(codeHash('0x')).toBe('0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470')
  expect(fromHex(codeHash('0x') as Digest)).toHaveLength(32)
})

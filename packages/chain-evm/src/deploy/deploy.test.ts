import type { Address, Hex } from '@veristack/core'
import {
  type Chain,
  CODE_SIZE_CAP,
  compareBirth,
  connect,
  create2Address,
  creationData,
  deploy,
  FACTORY,
  findBirth,
  INIT_CODE_SIZE_CAP,
  type Lane,
  laneOf,
  planDeployment,
  privateKeyAccount,
  TRANSACTION_GAS_CAP,
  waitForDepth,
} from '../index.ts'
import { type Anvil, developmentAccounts, startAnvil } from '../local/index.ts'
import { faultyRpc } from '../transactions/faults.fixture.ts'

const [first, second] = developmentAccounts
if (first === undefined || second === undefined) throw new Error('no accounts')

let anvil: Anvil
let chain: Chain
let lane: Lane
beforeAll(async () => {
  // As generous as a local chain can be: what is too much must be seen by ourselves.
  anvil = await startAnvil({ args: ['--disable-code-size-limit', '--gas-limit', '100000000'] })
  chain = await connect({ rpcUrl: anvil.rpcUrl })
  lane = laneOf(chain, await privateKeyAccount(first.privateKey))
})
afterAll(async () => {
  chain.close()
  await anvil.stop()
})

const blocks = (): Promise<unknown> => chain.rpc('eth_blockNumber', [])
const pushed = (n: number): string => n.toString(16).padStart(4, '0')
/** Its code is so many zero bytes. */
const ofSize = (bytes: number, salt = 0) => ({
  name: `${bytes} bytes`,
  bytecode: `0x61${pushed(bytes)}5ff3` as Hex,
  salt: `0x${salt.toString(16).padStart(64, '0')}` as Hex,
})

describe('limits that a local chain does not keep', () => {
  test('code of 24,576 bytes is deployed, one byte more is not', async () => {
    expect(await chain.code((await deploy(lane, ofSize(CODE_SIZE_CAP))).address)).toHaveLength(2 + 2 * CODE_SIZE_CAP)
    const before = await blocks()
    const large = ofSize(CODE_SIZE_CAP + 1)
    const refused = {
      code: 'VS_EVM_CODE_SIZE',
      details: { contract: large.name, field: 'code', expected: 'at most 24576 bytes', got: 24_577 },
    }
    await expect(deploy(lane, large)).rejects.toMatchObject(refused)
    await expect(planDeployment(chain, [large])).rejects.toMatchObject(refused)
    expect(await blocks()).toBe(before)
    // The chain itself would have taken it.
    await lane.send({ to: FACTORY, data: creationData(large), name: 'deploy' })
    expect(await chain.code(create2Address(large))).toHaveLength(2 + 2 * (CODE_SIZE_CAP + 1))
  })

  test('init code of 49,152 bytes is deployed, one byte more is not', async () => {
    const padded = (bytes: number) => ({ name: 'init', bytecode: `0x60015ff3${'00'.repeat(bytes - 4)}` as Hex })
    expect((await deploy(lane, padded(INIT_CODE_SIZE_CAP))).transaction).toBeDefined()
    const before = await blocks()
    await expect(deploy(lane, padded(INIT_CODE_SIZE_CAP + 1))).rejects.toMatchObject({
      code: 'VS_EVM_CODE_SIZE',
      details: { field: 'init code', got: 49_153 },
    })
    expect(await blocks()).toBe(before)
  })

  test('16,777,216 gas are sent, one more is not', async () => {
    const to = `0x${'77'.repeat(20)}` as Address
    const before = await blocks()
    const send = (gasLimit: bigint) => lane.send({ to, data: '0x', name: 'transfer', gasLimit })
    await expect(send(TRANSACTION_GAS_CAP + 1n)).rejects.toMatchObject({
      code: 'VS_EVM_GAS_CAP',
      details: { call: 'transfer', needed: 16_777_217n, allowed: 16_777_216n },
    })
    expect(await blocks()).toBe(before)
    expect((await send(TRANSACTION_GAS_CAP)).gasUsed).toBe(21_000n)
  })

  test('a constructor that takes more gas is refused when it is planned', async () => {
    // 800,000 turns of 26 gas.
    const heavy = { name: 'heavy', bytecode: '0x620c35005b60019003806004575f5ff3' as Hex }
    await expect(planDeployment(chain, [heavy])).rejects.toMatchObject({ code: 'VS_EVM_GAS_CAP' })
  })
})

test.each([
  ['paris', 'PUSH0 (Shanghai)', '0x5f'],
  ['shanghai', 'TLOAD (Cancun)', '0x60005c'],
  ['shanghai', 'TSTORE (Cancun)', '0x600060005d'],
  ['shanghai', 'MCOPY (Cancun)', '0x6000600060005e'],
  ['cancun', 'CLZ (Osaka)', '0x60001e'],
])('a chain with the rules of %s does not run %s', async (rules, instruction, code) => {
  const own = await startAnvil({ args: ['--hardfork', rules] })
  const old = await connect({ rpcUrl: own.rpcUrl })
  try {
    // Behind a PUSH it is data, and an older chain takes it.
    const data = { name: 'data', bytecode: `0x7f${code.slice(-2).repeat(32)}60006000f3` as Hex }
    await planDeployment(old, [data])
    const c = { name: 'young', bytecode: `${code}60006000f3` as Hex }
    const refused = { code: 'VS_EVM_INSTRUCTION', details: { contract: 'young', instruction } }
    await expect(planDeployment(old, [data, c])).rejects.toMatchObject(refused)
    await expect(deploy(laneOf(old, await privateKeyAccount(first.privateKey)), c)).rejects.toMatchObject(refused)
    expect(await old.rpc('eth_blockNumber', [])).toBe('0x0')
  } finally {
    old.close()
    await own.stop()
  }
})

test('a plan says what is sent and what it costs', async () => {
  const [there, absent] = [ofSize(10, 1), ofSize(2000, 1)]
  await deploy(lane, there)
  const plan = await planDeployment(chain, [there, absent], { from: first.address })
  expect(plan.contracts).toMatchObject([
    { name: there.name, isPresent: true, gas: 0n },
    { name: absent.name, isPresent: false, address: create2Address(absent) },
  ])
  expect(plan.balanceWei).toBe(await chain.balance(first.address))
  const { transaction } = await deploy(lane, absent)
  expect(Number(plan.gas) / Number(transaction?.gasUsed)).toBeCloseTo(1, 1)
  expect(plan.costWei).toBe(plan.gas * plan.feePerGasWei)
  expect(plan.maxCostWei).toBeGreaterThanOrEqual(transaction?.feeWei ?? 0n)
  const capped = await planDeployment(chain, [ofSize(11, 1)], { maxFeePerGasWei: 7n })
  expect(capped).toMatchObject({ feePerGasWei: 7n, hasFactory: true })
  expect(capped.maxCostWei).toBe((capped.gas + capped.gas / 4n + 22_100n) * 7n)
})

test('a constructor that refuses is told before anything is sent', async () => {
  const before = await blocks()
  const refusing = { name: 'refusing', bytecode: '0x5f5ffd' as Hex }
  await expect(planDeployment(chain, [refusing])).rejects.toMatchObject({ code: 'VS_EVM_REVERTED' })
  await expect(deploy(lane, refusing)).rejects.toMatchObject({ code: 'VS_EVM_REVERTED' })
  expect(await blocks()).toBe(before)
})

describe('how a contract came to be', () => {
  test('is found among other blocks, whoever deployed it, and where it was tried twice', async () => {
    await chain.rpc('anvil_mine', ['0x25'])
    const c = ofSize(12, 2)
    const rival = laneOf(chain, await privateKeyAccount(second.privateKey))
    await chain.rpc('evm_setAutomine', [false])
    // In one block, and the later one is refused by the factory.
    const call = { to: FACTORY, data: creationData(c), name: 'deploy', gasLimit: 500_000n }
    const both = Promise.allSettled([rival.send(call), lane.send(call)])
    while (((await chain.rpc('txpool_status', [])) as { pending: string }).pending !== '0x2') {}
    await chain.rpc('evm_mine', [])
    await chain.rpc('evm_setAutomine', [true])
    const done = (await both).flatMap((r) => (r.status === 'fulfilled' ? [r.value] : []))
    expect(done).toHaveLength(1)
    await chain.rpc('anvil_mine', ['0x9'])
    const birth = await findBirth(chain, c)
    expect(birth).toEqual({ block: done[0]?.block, blockHash: done[0]?.blockHash, transaction: done[0]?.hash })
    if (birth === undefined) throw new Error('not found')
    expect(await compareBirth(chain, c, birth)).toBeUndefined()
    expect(await compareBirth(chain, ofSize(13, 2), birth)).toMatchObject({ field: 'transaction' })
  })

  test('is not known where the node has forgotten the state of that time', async () => {
    const c = ofSize(14, 2)
    const { transaction } = await deploy(lane, c)
    await chain.rpc('anvil_mine', ['0x20'])
    const keeps = async (blocksKept: number) => {
      const latest = Number(await blocks())
      const rpc = await faultyRpc(anvil.rpcUrl, ({ method, params }) =>
        method === 'eth_getCode' && params[1] !== 'latest' && Number(params[1]) <= latest - blocksKept
          ? { do: 'refuse', message: 'missing trie node' }
          : { do: 'pass' },
      )
      const pruned = await connect({ rpcUrl: rpc.rpcUrl })
      try {
        return await findBirth(pruned, c)
      } finally {
        pruned.close()
        await rpc.stop()
      }
    }
    expect(await keeps(16)).toBeUndefined()
    expect(await keeps(40)).toMatchObject({ transaction: transaction?.hash })
  })

  test('counts when it is deep enough, and not where another block took its place', async () => {
    const { transaction } = await deploy(lane, ofSize(15, 2))
    if (transaction === undefined) throw new Error('not sent')
    const waiting = waitForDepth(chain, transaction, 5)
    let isOver = false
    void waiting.then(() => {
      isOver = true
    })
    await chain.rpc('anvil_mine', ['0x3'])
    expect(isOver).toBe(false)
    await chain.rpc('anvil_mine', ['0x1'])
    expect(await waiting).toBe(true)
    const other = `0x${'13'.repeat(32)}` as Hex
    expect(await waitForDepth(chain, { ...transaction, blockHash: other }, 1)).toBe(false)
    const stop = AbortSignal.abort(new Error('enough'))
    await expect(waitForDepth(chain, { ...transaction, block: 10n ** 9n }, 1, stop)).rejects.toThrow('enough')
  })
})

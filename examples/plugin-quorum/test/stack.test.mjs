// The tier in real stacks: with proofs, with a node that lies, and with everything in a receipt changed.
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { createStack, ephemeralSigner, isVeristackError, numbers, tensor } from '@veristack/core'
import { parseReceipt, serialiseReceipt, verifyReceipt } from '@veristack/core/receipt'
import { receiptMutations } from '@veristack/core/testing'
import { onnx } from '@veristack/executor-onnx'
import { zkml } from '@veristack/verify-zkml'
import { verifiers as zkmlVerifiers } from '@veristack/verify-zkml/verify'
import { quorum, quorumVerifier } from 'acme-veristack-quorum'
import { smallProgram } from './program.mjs'

const members = [ephemeralSigner(), ephemeralSigner(), ephemeralSigner()]
/** Equally cheap and idle nodes are asked in the order of their ids, and the first one's outputs are what is claimed. */
const nodes = members.map((signer, i) => ({ id: `node-${i}`, signer }))
const inputs = [tensor('x', 'int32', [1, 4], [3, 15, 0, 7])]
const tier = (threshold) => quorum({ threshold, members })

/** onnx(), but what one node computes comes out changed. */
function lyingOnnx(liar, lie) {
  const honest = onnx()
  const change = (executor) => ({
    ...executor,
    execute: async (job, call) => {
      const execution = await executor.execute(job, call)
      return job.node === liar.address ? { ...execution, outputs: lie(execution.outputs) } : execution
    },
  })
  const register = (host) =>
    honest.register({ ...host, provide: (role, make) => host.provide(role, (inner) => change(make(inner))) })
  return { ...honest, register }
}

const otherLabel = (outputs) => outputs.map((t) => (t.name === 'label' ? { ...t, data: t.data.map((b) => b ^ 1) } : t))

/** Asks once, and closes the stack. */
async function ask(plugins, require, use) {
  const stack = await createStack({ plugins, nodes })
  try {
    const { program, anchors } = await stack.publish(smallProgram())
    const job = await stack.infer({ program, inputs, require })
    return await use(job, anchors)
  } finally {
    await stack.close()
  }
}

const outcome = (receipt, verifiers, anchors) =>
  verifyReceipt(receipt, { verifiers, ...(anchors === undefined ? {} : { anchors }) })

let cacheDirectory
before(async () => {
  cacheDirectory = await mkdtemp(join(tmpdir(), 'acme-quorum-'))
})
after(() => rm(cacheDirectory, { recursive: true, force: true }))
const proofs = () => zkml({ keys: 'development', cacheDirectory })

describe('together with proofs: { all: [zkml, acme/quorum] }', () => {
  const both = { all: ['zkml', 'acme/quorum'] }

  test('a receipt that each tier speaks for, and that neither carries alone', async () => {
    await ask([onnx(), proofs(), tier(2)], both, async (job, anchors) => {
      const receipt = parseReceipt(serialiseReceipt(await job.wait('verified')))
      const verdict = await outcome(receipt, [...zkmlVerifiers, quorumVerifier], anchors)
      assert.equal(verdict.status, 'accepted')
      assert.deepEqual(
        verdict.leaves.map((l) => [l.leaf.tier, l.verdict.status]),
        [
          ['zkml', 'accepted'],
          ['acme/quorum', 'accepted'],
        ],
      )
      assert.deepEqual(verdict.covers, receipt.signed.outputs)
      assert.ok(verdict.assumptions.some((a) => /fewer than 2 of the 3 members/.test(a)))

      const missing = async (verifiers, set) => {
        const v = await outcome(receipt, verifiers, set)
        return v.status === 'undetermined' ? v.missing : v.status
      }
      const without = (kind) => ({ ...anchors, anchors: anchors.anchors.filter((a) => a.kind !== kind) })
      assert.equal(await missing([...zkmlVerifiers, quorumVerifier]), 'anchor')
      assert.equal(await missing([...zkmlVerifiers, quorumVerifier], without('acme/quorum')), 'anchor')
      assert.equal(await missing([...zkmlVerifiers, quorumVerifier], without('zkml/groth16-bn254')), 'anchor')
      assert.notEqual(await missing(zkmlVerifiers, anchors), 'accepted')
      assert.notEqual(await missing([quorumVerifier], anchors), 'accepted')

      // The tier has no contract, so there is nothing to settle by.
      assert.deepEqual(receipt.settlements, [])
      await assert.rejects(job.wait('settled'), { code: 'VS_CORE_STAGE_NOT_PLANNED' })
    })
  })

  test('a node that lies does not stop a claim that is true', async () => {
    await ask([lyingOnnx(members[2], otherLabel), proofs(), tier(2)], both, async (job, anchors) => {
      const verdict = await outcome(await job.wait('verified'), [...zkmlVerifiers, quorumVerifier], anchors)
      assert.equal(verdict.status, 'accepted')
    })
  })

  test('nothing is proved when the liar is the one whose outputs are claimed', async () => {
    await ask([lyingOnnx(members[0], otherLabel), proofs(), tier(2)], both, (job) =>
      assert.rejects(job.wait('verified'), { code: 'VS_CORE_JOB_FAILED' }),
    )
  })
})

describe('alone', () => {
  const refused = (plugins) =>
    ask(plugins, 'acme/quorum', async (job) => {
      const error = await job.wait('verified').catch((e) => e)
      assert.ok(isVeristackError(error, 'VS_CORE_JOB_FAILED'))
      assert.ok(isVeristackError(error.cause, 'VS_ACME_QUORUM_NOT_REACHED'), String(error.cause))
    })
  const truth = () =>
    ask([onnx(), tier(2)], 'acme/quorum', async (job) => numbers((await job.wait('executed')).tensors[0]))

  test('2 of 3 tolerate a liar whose outputs are not claimed, whatever it says', async () => {
    const lies = [otherLabel, (o) => o.map((t) => ({ ...t, name: `not-${t.name}` })), () => []]
    for (const lie of lies) {
      await ask([lyingOnnx(members[1], lie), tier(2)], 'acme/quorum', async (job, anchors) => {
        const receipt = await job.wait('verified')
        assert.deepEqual(numbers(receipt.outputs[0]), await truth())
        const verdict = await outcome(receipt, [quorumVerifier], anchors)
        assert.equal(verdict.status, 'accepted')
        assert.ok(verdict.leaves[0].verdict.checks.some((c) => c.name === '2 of 3 members, 2 needed'))
      })
    }
  })

  test('3 of 3 do not', () => refused([lyingOnnx(members[1], otherLabel), tier(3)]))
  test('nobody signs for the liar', () => refused([lyingOnnx(members[0], otherLabel), tier(2)]))

  test('a requirement may ask for more signatures than the threshold', async () => {
    const require = { tier: 'acme/quorum', policy: { signatures: 3 } }
    await ask([onnx(), tier(2)], require, (job) => job.wait('verified'))
    await ask([lyingOnnx(members[1], otherLabel), tier(2)], require, (job) =>
      assert.rejects(job.wait('verified'), { code: 'VS_CORE_EVIDENCE_REFUSED' }),
    )
  })

  test('fewer nodes than members: the scheduler says that there is none', async () => {
    const stack = await createStack({ plugins: [onnx(), tier(2)], nodes: nodes.slice(0, 2) })
    const { program } = await stack.publish(smallProgram())
    const job = await stack.infer({ program, inputs, require: 'acme/quorum' })
    await assert.rejects(job.wait('verified'), (e) => isVeristackError(e.cause, 'VS_CORE_NO_NODE'))
    await stack.close()
  })

  test('a change in any field of the receipt is refused', async () => {
    await ask([onnx(), tier(2)], 'acme/quorum', async (job, anchors) => {
      const receipt = await job.wait('verified')
      const accepted = []
      let tried = 0
      for (const { path, receipt: changed } of receiptMutations(receipt)) {
        tried += 1
        try {
          const read = parseReceipt(serialiseReceipt(changed))
          if ((await outcome(read, [quorumVerifier], anchors)).status === 'accepted') accepted.push(path)
        } catch (error) {
          if (!isVeristackError(error)) throw error
        }
      }
      assert.deepEqual(accepted, [])
      assert.ok(tried > 50)
    })
  })

  test('options that make no quorum are refused', () => {
    const bad = [
      { threshold: 0, members },
      { threshold: 4, members },
      { threshold: 1.5, members },
      { threshold: 1, members: [] },
      { threshold: 1, members: [members[0], members[0]] },
    ]
    for (const options of bad) assert.throws(() => quorum(options), { code: 'VS_ACME_QUORUM_OPTIONS' })
  })
})

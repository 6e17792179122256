// A tier for the test beside: its evidence is a signature over the claim digest.
import {
  claimDigest,
  directoryBlobs,
  directoryRecords,
  type EvidenceKind,
  fromHex,
  localSigner,
  numbers,
  type Plugin,
  recoverSigner,
  tensor,
  toHex,
  type Verifier,
} from '../../index.ts'

export const KIND: EvidenceKind = 'toy/echo'
const oracle = localSigner(`0x${'11'.repeat(32)}`)

export const echoVerifier: Verifier = {
  kind: KIND,
  tier: KIND,
  verify: async ({ signed }, evidence) => {
    const told = { checks: [], assumptions: ['the oracle is honest'], covers: signed.outputs }
    return recoverSigner(claimDigest(signed.claim), toHex(evidence.payload)) === oracle.address
      ? { ...told, status: 'accepted', tier: KIND }
      : { ...told, status: 'rejected', code: 'VS_TOY_FORGED' }
  },
}

export const echoTier: Plugin = {
  specificationVersion: 'v1',
  name: 'echo',
  version: '0.0.0',
  provides: ['prover', 'verifier'],
  register(host) {
    host.provide('verifier', () => echoVerifier)
    host.provide('prover', () => ({
      kind: KIND,
      tier: KIND,
      semantics: ['toy/v1'],
      executions: 1,
      quote: async () => ({ ok: true, executeMs: 0, proveMs: 0, finalMs: 0, gas: 0n, priceWei: 0n, bondWei: 0n }),
      prove: async ({ signed }) => {
        const claim = claimDigest(signed.claim)
        return { kind: KIND, version: 1, claim, payload: fromHex(await oracle.sign(claim)), blobs: [] }
      },
    }))
  },
}

/** Only the first process has it: the second can not execute. */
export const doubling: Plugin = {
  specificationVersion: 'v1',
  name: 'doubling',
  version: '0.0.0',
  provides: ['executor'],
  register(host) {
    host.provide('executor', () => ({
      semantics: ['toy/v1'],
      attaches: [],
      prepare: async (_, inputs) => inputs,
      execute: async ({ node, inputs }) => ({
        executor: node,
        outputs: inputs.map((t) =>
          tensor(
            'y',
            'int32',
            t.shape,
            numbers(t).map((v) => 2 * v),
          ),
        ),
        attachments: {},
      }),
    }))
  },
}

/** All that the two processes share. */
export const storage = (directory: string): Plugin => ({
  specificationVersion: 'v1',
  name: 'storage',
  version: '0.0.0',
  provides: ['blobs', 'records'],
  register(host) {
    host.provide('blobs', () => directoryBlobs(`${directory}/blobs`))
    host.provide('records', () => directoryRecords(`${directory}/records`))
  },
})

// One request that three members answered, put together by hand for the conformance suites.
import {
  claimDigest,
  commitmentsDigest,
  localSigner,
  makeRequest,
  RAW_SCHEME,
  rawCommitment,
  tensor,
  tensorSpec,
  toHex,
  ZERO_ADDRESS,
  ZERO_DIGEST,
} from '@veristack/core'
import { quietCall } from '@veristack/core/testing'
import { quorum, quorumAnchor } from 'acme-veristack-quorum'

export const signerOf = (seed) => localSigner(`0x${seed.toString(16).padStart(2, '0').repeat(32)}`)
export const members = [1, 2, 3].map(signerOf).sort((a, b) => (a.address < b.address ? -1 : 1))
export const membership = (threshold, of = members) => ({ threshold, members: of.map((m) => m.address) })

export const program = {
  id: `0x${'ab'.repeat(32)}`,
  semantics: 'integer/v1',
  blob: { digest: ZERO_DIGEST, bytes: 1, mediaType: 'application/octet-stream' },
}

/** The prover alone: it needs nothing of the stack but committers, and raw commitments need none. */
export function proverOf(threshold, of = members) {
  const provided = new Map()
  const host = { all: () => [], provide: (role, make) => provided.set(role, make(host)) }
  quorum({ threshold, members: of }).register(host)
  return provided.get('prover')
}

const raw = (list) => list.map((t) => ({ tensor: tensorSpec(t), scheme: RAW_SCHEME, value: rawCommitment(t) }))

/** `also`: outputs that are committed to a second time. */
export async function jobOf({ threshold = 2, seed = 0, also = [] } = {}) {
  const [inputs, outputs] = [[tensor('x', 'int32', [2], [seed, 7])], [tensor('y', 'int32', [2], [2 * seed, 14])]]
  const lists = { inputs: raw(inputs), outputs: raw([...outputs, ...also]) }
  const request = makeRequest({
    program: program.id,
    inputs: commitmentsDigest(lists.inputs),
    requirement: `0x${'11'.repeat(32)}`,
    terms: ZERO_DIGEST,
    payer: members[0].address,
    priceWei: 0n,
    nonce: toHex(new Uint8Array(32).fill(seed)),
    chainId: 0n,
    contract: ZERO_ADDRESS,
    expiresAt: 4_000_000_000n,
  })
  const claimant = signerOf(9)
  const { id, chainId, contract, expiresAt, requirement, inputs: committed } = request
  const place = { chainId, contract, expiresAt }
  const claim = {
    request: id,
    program: program.id,
    inputs: committed,
    outputs: commitmentsDigest(lists.outputs),
    requirement,
    claimant: claimant.address,
    ...place,
  }
  const artefacts = await proverOf(threshold).setup(program, quietCall())
  return {
    request,
    signed: { claim, ...lists, signature: await claimant.sign(claimDigest(claim)) },
    program,
    inputs,
    executions: members.map((m) => ({ executor: m.address, outputs, attachments: {} })),
    salts: {},
    artefacts,
  }
}

export const contextOf = (threshold) => ({
  now: 1_700_000_000n,
  policy: {},
  anchors: (id) => (id === program.id ? [{ digest: quorumAnchor(membership(threshold)), origin: 'none' }] : []),
})

export const subjectOf = ({ signed, executions, salts }) => ({ signed, outputs: executions[0].outputs, salts })

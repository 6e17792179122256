import type { Artefacts, OnChain } from '@veristack/core'
import {
  type Digest,
  type Evidence,
  fromHex,
  type Hex,
  keccak,
  keccakText,
  type ProgramId,
  RAW_SCHEME,
  type SignedClaim,
  toHex,
} from '@veristack/core/receipt'
import {
  groth16ClaimVerifierAbi,
  groth16ClaimVerifierBytecode,
  groth16ClaimVerifierDeployedBytecode,
} from './bindings/Groth16ClaimVerifier.ts'
import type { LayoutEntry } from './circuit/layout.ts'
import { fail } from './errors.ts'
import { EVIDENCE_KIND, EVIDENCE_VERSION } from './evidence.ts'

/** Chain ids on which the contract takes a development key. */
const LOCAL_CHAINS: readonly bigint[] = [31337n, 1337n]

/** What the contract pins of a commitment list's entry; `count` elements stand in a raw one. */
export type PinnedEntry = Pick<LayoutEntry, 'tensor' | 'scheme' | 'count'>

/** What a verifier contract is made for. */
export interface VerifierParameters {
  readonly program: ProgramId
  readonly circuitId: Digest
  /** alpha ‖ beta ‖ gamma ‖ delta ‖ IC; 32-byte big-endian words, G2 as x.c1 ‖ x.c0 ‖ y.c1 ‖ y.c0. */
  readonly verifyingKey: Uint8Array
  readonly layout: { readonly inputs: readonly PinnedEntry[]; readonly outputs: readonly PinnedEntry[] }
  /** Keeps the contract to local chains. */
  readonly development: boolean
}

/** How artefacts and evidence of this kind are read. `proof` gives 256 bytes, or undefined where the payload is malformed. */
export interface Groth16Readers {
  parameters(artefacts: Artefacts): Promise<VerifierParameters>
  proof(evidence: Evidence): Uint8Array | undefined
}

/** The on-chain adapter of Groth16 evidence. Its policy parameters are empty: the contract's code pins everything. */
export function groth16OnChain(readers: Groth16Readers): OnChain {
  return {
    kind: EVIDENCE_KIND,
    proofSystem: 'groth16-bn254',
    deployment: async (artefacts, chainId) => {
      const p = await readers.parameters(artefacts)
      if (p.development && !LOCAL_CHAINS.includes(chainId)) {
        throw fail('VS_ZKML_KEY_REFUSED', {
          message: 'A development key is for local chains only',
          details: { program: p.program, chainId },
        })
      }
      // Loads ethers, which only whoever deploys needs.
      const { encodeConstructor } = await import('@veristack/chain-evm')
      const args = [toHex(p.verifyingKey), p.program, p.circuitId, contractLayout(p.layout), p.development]
      const constructorArgs = await encodeConstructor(groth16ClaimVerifierAbi, args)
      return { bytecode: groth16ClaimVerifierBytecode, constructorArgs }
    },
    params: () => '0x',
    encode: (signed, _outputs, evidence) => {
      if (evidence.kind !== EVIDENCE_KIND || evidence.version !== EVIDENCE_VERSION) {
        const got = `${evidence.kind} version ${evidence.version}`
        throw fail('VS_ZKML_MALFORMED', {
          details: { field: 'evidence', expected: `${EVIDENCE_KIND} version ${EVIDENCE_VERSION}`, got },
        })
      }
      const proof = readers.proof(evidence)
      if (proof === undefined) throw fail('VS_ZKML_MALFORMED', { details: { field: 'payload', expected: 'a proof' } })
      return encodeEvidence(proof, signed)
    },
  }
}

/**
 * abi.encode(uint256[8] proof, uint256 inputCommitment, uint256 outputCommitment, int256[] publicOutputs), the last two
 * as the claim's output list orders them. Throws `VS_ZKML_MALFORMED` for lists that no such circuit has.
 */
export function encodeEvidence(proof: Uint8Array, signed: Pick<SignedClaim, 'inputs' | 'outputs'>): Hex {
  const committed = signed.outputs.filter((c) => c.scheme !== RAW_SCHEME)
  const raw = signed.outputs.filter((c) => c.scheme === RAW_SCHEME).map((c) => c.value.slice(2))
  const [input] = signed.inputs
  const [output] = committed
  const elements = [input, output].map((c) => c?.value.slice(2) ?? '0'.repeat(64))
  const publicOutputs = raw.join('')
  const bad =
    proof.length !== 256
      ? 'a proof of 256 bytes'
      : input === undefined || signed.inputs.length !== 1
        ? 'one input commitment'
        : committed.length > 1
          ? 'at most one committed output'
          : elements.some((e) => e.length !== 64) || raw.some((r) => r.length === 0 || r.length % 64 !== 0)
            ? 'values of whole 32-byte words'
            : undefined
  if (bad !== undefined) throw fail('VS_ZKML_MALFORMED', { details: { field: 'commitment lists', expected: bad } })
  const word = (n: number) => n.toString(16).padStart(64, '0')
  return `0x${toHex(proof).slice(2)}${elements.join('')}${word(11 * 32)}${word(publicOutputs.length / 64)}${publicOutputs}`
}

/** The code of the deployed contract: a relying party compares its hash with a policy's `codeHash`, without a chain. */
export function verifierCode(p: VerifierParameters): Hex {
  const { inputTensor, inputScheme, outputs } = contractLayout(p.layout)
  const text = (s: string) => toHex(keccakText(s)).slice(2)
  const uint = (n: number) => n.toString(16).padStart(64, '0')
  const appendix = [
    p.program.slice(2),
    p.circuitId.slice(2),
    uint(p.development ? 1 : 0),
    text(inputTensor),
    text(inputScheme),
    uint(outputs.length),
    uint(outputs.reduce((n, o) => n + o.elements, 0)),
    ...outputs.map((o) => text(o.tensor) + text(o.scheme) + uint(o.elements)),
    toHex(p.verifyingKey).slice(2),
  ].join('')
  return `${groth16ClaimVerifierDeployedBytecode}${appendix}${uint(appendix.length / 2)}`
}

export const verifierCodeHash = (p: VerifierParameters): Digest => toHex(keccak(fromHex(verifierCode(p)))) as Digest

/** The lists as the contract's constructor takes them. */
function contractLayout({ inputs, outputs }: VerifierParameters['layout']) {
  const [input] = inputs
  if (input === undefined || inputs.length !== 1) {
    throw fail('VS_ZKML_KEY_REFUSED', {
      details: { field: 'layout.inputs', expected: 'one entry', got: inputs.length },
    })
  }
  return {
    inputTensor: input.tensor,
    inputScheme: input.scheme,
    outputs: outputs.map((o) => ({
      tensor: o.tensor,
      scheme: o.scheme,
      elements: o.scheme === RAW_SCHEME ? o.count : 0,
    })),
  }
}

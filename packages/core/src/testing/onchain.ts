import { parseHex, type SignedClaim, type Tensor } from '../claim/index.ts'
import type { Artefacts, OnChain } from '../plugin/roles.ts'
import type { Evidence } from '../receipt/verdict.ts'
import { ensure, refuses, type SuiteBase, same, suite } from './runner.ts'

export interface OnChainFixture {
  readonly artefacts: Artefacts
  readonly signed: SignedClaim
  readonly outputs: readonly Tensor[]
  readonly evidence: Evidence
  /** Of another claim. */
  readonly other: { readonly signed: SignedClaim; readonly outputs: readonly Tensor[]; readonly evidence: Evidence }
}

export interface OnChainSuiteOptions extends SuiteBase<OnChain, 'deployment' | 'malformed'> {
  /** Capabilities: `deployment` (a contract of its own), `malformed` (it looks into the payload). */
  readonly fixture: () => OnChainFixture | Promise<OnChainFixture>
}

/** EIP-3860: the longest creation code, in bytes. */
const MAX_INITCODE = 49_152

/** What every on-chain adapter must do. What its contract decides is for tests on a chain. */
export function onchainSuite(options: OnChainSuiteOptions): void {
  suite('onchain', options, ({ test, needs }) => {
    const prepare = async () => ({ onchain: await options.make(), f: await options.fixture() })

    test('names the kind of the evidence, and a proof system', async () => {
      const { onchain, f } = await prepare()
      same(onchain.kind, f.evidence.kind, 'the kind')
      ensure(onchain.proofSystem.length > 0, 'the proof system has no name')
    })

    test('encodes the same bytes again, and other bytes for other evidence', async () => {
      const { onchain, f } = await prepare()
      const bytes = onchain.encode(f.signed, f.outputs, f.evidence)
      same(parseHex(bytes, 'evidence'), bytes, 'the bytes in lower case')
      same(onchain.encode(f.signed, f.outputs, f.evidence), bytes, 'the second encoding')
      ensure(
        onchain.encode(f.other.signed, f.other.outputs, f.other.evidence) !== bytes,
        'two proofs have one encoding',
      )
      same(onchain.params(f.artefacts), parseHex(onchain.params(f.artefacts), 'params'), 'the parameters')
    })

    test('refuses evidence of another kind or version', async () => {
      const { onchain, f } = await prepare()
      const encode = (change: Partial<Evidence>) => onchain.encode(f.signed, f.outputs, { ...f.evidence, ...change })
      await refuses(() => encode({ kind: 'conformance/unknown' }), 'another kind')
      await refuses(() => encode({ version: f.evidence.version + 1 }), 'a later version')
    })

    needs('malformed', 'refuses a payload that is malformed', async () => {
      const { onchain, f } = await prepare()
      const encode = (payload: Uint8Array) => onchain.encode(f.signed, f.outputs, { ...f.evidence, payload })
      await refuses(() => encode(new Uint8Array()), 'an empty payload')
      await refuses(() => encode(f.evidence.payload.subarray(0, -1)), 'a byte less')
      await refuses(() => encode(Uint8Array.of(...f.evidence.payload, 0)), 'a byte more')
    })

    needs('deployment', 'has a contract that a chain takes', async () => {
      const { onchain, f } = await prepare()
      const { bytecode, constructorArgs } = await onchain.deployment(f.artefacts, 31337n)
      const bytes =
        (parseHex(bytecode, 'bytecode').length + parseHex(constructorArgs, 'constructorArgs').length - 4) / 2
      ensure(bytecode.length > 2 && bytes <= MAX_INITCODE, `the creation code has ${bytes} bytes`)
    })
  })
}

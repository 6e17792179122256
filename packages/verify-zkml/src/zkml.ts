import type { Blobs, Host, Plugin, Program } from '@veristack/core'
import { decodeProgram, type IntegerProgram, programId } from '@veristack/integer-model'
import { mismatch, readPublished } from './artefacts.ts'
import { type Circuit, compile } from './circuit/compile.ts'
import { SEMANTICS } from './circuit/layout.ts'
import { unsupported, type Visibility } from './circuit/visibility.ts'
import { poseidonCommitter } from './committer.ts'
import { fail } from './errors.ts'
import { decodeEvidence } from './evidence.ts'
import type { ProverBackend } from './groth16/backend.ts'
import { snarkjsProver } from './groth16/snarkjs.ts'
import { defaultCacheDirectory } from './keys/cache.ts'
import { defaultCacheSecretFile } from './keys/cache-secret.ts'
import type { KeySource } from './keys/setup.ts'
import { groth16OnChain } from './onchain.ts'
import { zkmlProver } from './prover.ts'
import { zkmlVerifier } from './verify.ts'

export interface ZkmlOptions {
  readonly keys: KeySource
  readonly visibility?: Visibility
  /** Where keys and the development phase 1 are kept; if left out `veristack` below `XDG_CACHE_HOME`, or `~/.cache/veristack`. */
  readonly cacheDirectory?: string
  /**
   * File with the secret that authenticates the cache, outside of it; made if there is none. Whoever reads it can put
   * keys into the cache. `~/.config/veristack/cache-secret` if left out.
   */
  readonly cacheSecretFile?: string
  /** Another Groth16 prover than snarkjs. */
  readonly prover?: ProverBackend
  /** Told when a stored key can not be used, or none can be stored, and is made again; a process warning if left out. */
  readonly notice?: (reason: string) => void
}

/** Programs whose circuits are kept in memory. */
const KEPT = 4

/** The `zkml` tier: proves that an integer program gave these outputs on the committed inputs. */
export function createZkml(options: ZkmlOptions): Plugin {
  const backend = options.prover ?? snarkjsProver()
  const notice = options.notice ?? ((reason: string) => process.emitWarning(reason, 'VeristackWarning'))
  checkOptions(options)
  return {
    specificationVersion: 'v1',
    name: '@veristack/verify-zkml',
    version: '0.1.0',
    provides: ['prover', 'verifier', 'committer', 'onchain'],
    register(host: Host) {
      const blobs = (): Blobs => host.use('blobs')
      const load = loader(blobs, options.visibility)
      host.provide('committer', () => poseidonCommitter(async (program) => (await load(program)).program))
      host.provide('prover', () =>
        zkmlProver({
          keys: options.keys,
          cacheDirectory: options.cacheDirectory ?? defaultCacheDirectory(),
          cacheSecretFile: options.cacheSecretFile ?? defaultCacheSecretFile(),
          backend,
          blobs,
          load,
          notice,
        }),
      )
      host.provide('verifier', zkmlVerifier)
      host.provide('onchain', () =>
        groth16OnChain({
          async parameters(artefacts) {
            const { id, layout, verifyingKey } = await readPublished(artefacts, blobs())
            return {
              program: artefacts.program,
              circuitId: id,
              verifyingKey,
              layout,
              development: artefacts.origin !== 'ceremony',
            }
          },
          proof: (evidence) => decodeEvidence(evidence.payload)?.proof,
        }),
      )
    },
    stop: () => backend.close(),
  }
}

/** `zkml(options)` is the plugin, `zkml.verifier()` what a relying party needs of it. */
export const zkml = Object.assign(createZkml, { verifier: zkmlVerifier })

interface Loaded {
  readonly program: IntegerProgram
  readonly circuit: Circuit
}

/** Programs from the blob store, compiled once. */
function loader(blobs: () => Blobs, visibility: Visibility | undefined): (program: Program) => Promise<Loaded> {
  const kept = new Map<string, Promise<Loaded>>()
  const make = async (program: Program): Promise<Loaded> => {
    if (program.semantics !== SEMANTICS) throw unsupported('program.semantics', SEMANTICS, program.semantics)
    const decoded = decodeProgram(await blobs().get(program.blob))
    const id = programId(decoded)
    if (id !== program.id) throw mismatch('program', program.id, id)
    return { program: decoded, circuit: compile(decoded, id, visibility) }
  }
  return (program) => {
    const known = kept.get(program.id)
    if (known !== undefined) return known
    const loading = make(program)
    kept.set(program.id, loading)
    loading.catch(() => kept.delete(program.id))
    for (const oldest of kept.keys()) if (kept.size > KEPT) kept.delete(oldest)
    return loading
  }
}

function checkOptions({ keys, visibility }: ZkmlOptions): void {
  const bad = (field: string, expected: string, got: unknown) =>
    fail('VS_ZKML_INVALID_OPTION', { details: { field, expected, got: String(got) } })
  if (keys !== 'development' && (typeof keys !== 'object' || keys === null || typeof keys.ptau !== 'string')) {
    throw bad('keys', '"development" or { ptau: path, ... }', keys)
  }
  const inputs = visibility?.inputs
  if (inputs !== undefined && inputs !== 'committed' && inputs !== 'public')
    throw bad('visibility.inputs', 'committed | public', inputs)
  for (const [name, value] of Object.entries(visibility?.outputs ?? {})) {
    if (value !== 'committed' && value !== 'public')
      throw bad(`visibility.outputs.${name}`, 'committed | public', value)
  }
}

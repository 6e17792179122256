import {
  type Commitment,
  commitmentKey,
  type Hex,
  KECCAK_SCHEME,
  keccakCommitment,
  keccakSalt,
  publicScheme,
  RAW_SCHEME,
  rawCommitment,
  type Tensor,
  tensorSpecs,
} from '../claim/index.ts'
import { fail } from '../errors/index.ts'
import type { Committer, Host, PlannedCommitment, Program } from '../plugin/roles.ts'

/** The tensors of each entry of a plan, found by name. */
const chosen = (
  plan: readonly PlannedCommitment[],
  tensors: readonly Tensor[],
): readonly (PlannedCommitment & { readonly of: readonly Tensor[] })[] =>
  plan.map((p) => ({
    ...p,
    of: p.tensors.map((name) => {
      const found = tensors.find((t) => t.name === name)
      if (found !== undefined) return found
      const got = tensors.map((t) => t.name).join(', ')
      throw fail('VS_CORE_INVALID_DATA', { details: { field: 'tensors', expected: `a tensor named ${name}`, got } })
    }),
  }))

/** Salts by `commitmentKey`; `scope` is the request id for outputs and the nonce for inputs, so that a retry repeats them. */
export const saltsFor = (
  plan: readonly PlannedCommitment[],
  tensors: readonly Tensor[],
  secret: Uint8Array,
  scope: Hex,
): Readonly<Record<string, Hex>> =>
  Object.fromEntries(
    chosen(plan, tensors)
      .filter((p) => p.salted)
      .map(({ of, scheme }) => commitmentKey({ scheme, tensor: tensorSpecs(of) }))
      .map((key) => [key, keccakSalt(secret, scope, key)]),
  )

/** The commitment list of a plan, in its order. `salts` by `commitmentKey`. */
export async function commitTensors(
  host: Host,
  program: Program,
  plan: readonly PlannedCommitment[],
  tensors: readonly Tensor[],
  salts: Readonly<Record<string, Hex>>,
): Promise<readonly Commitment[]> {
  return Promise.all(
    chosen(plan, tensors).map(async ({ of, scheme }) => {
      const tensor = tensorSpecs(of)
      return {
        tensor,
        scheme,
        value: await committerFor(host, scheme).commit(program, of, salts[commitmentKey({ scheme, tensor })]),
      }
    }),
  )
}

function committerFor(host: Host, scheme: string): Committer {
  const found = [...publicCommitters, ...host.all('committer')].find((c) => c.scheme === scheme)
  if (found === undefined) throw fail('VS_CORE_UNKNOWN_SCHEME', { details: { scheme } })
  return found
}

const publicCommitters: readonly Committer[] = [
  {
    scheme: RAW_SCHEME,
    hiding: false,
    commit: async (_, tensors) => `0x${tensors.map((t) => rawCommitment(t).slice(2)).join('')}`,
  },
  {
    scheme: KECCAK_SCHEME,
    hiding: false,
    commit: async (_, tensors) => {
      const [t, ...more] = tensors
      if (t !== undefined && more.length === 0) return keccakCommitment(t)
      const expected = `one tensor in ${KECCAK_SCHEME}`
      throw fail('VS_CORE_INVALID_DATA', { details: { field: 'tensors', expected, got: tensors.length } })
    },
  },
]

/** Every tensor as it is, for provers that need no particular commitments. */
export const publicPlan = (tensors: readonly Tensor[]): readonly PlannedCommitment[] =>
  tensors.map((t) => ({ tensors: [t.name], scheme: publicScheme(t), salted: false }))

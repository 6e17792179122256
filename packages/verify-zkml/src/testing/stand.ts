import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type Artefacts,
  type Blobs,
  type Call,
  type Claim,
  type Commitment,
  claimDigest,
  commitmentKey,
  commitmentsDigest,
  type Digest,
  type Execution,
  type Host,
  localSigner,
  makeRequest,
  memoryBlobs,
  type OnChain,
  type Plugin,
  type Program,
  type ProveJob,
  type Prover,
  parseAddress,
  RAW_SCHEME,
  type Roles,
  rawCommitment,
  type SignedClaim,
  type Tensor,
  tensor,
  tensorSpecs,
  toHex,
  type Verifier,
  type VerifyContext,
  ZERO_DIGEST,
} from '@veristack/core'
import { encodeProgram, type IntegerProgram, interpret, PROGRAM_MEDIA_TYPE, programId } from '@veristack/integer-model'

export const digestOf = (byte: number): Digest => toHex(new Uint8Array(32).fill(byte)) as Digest

export async function temporaryDirectory(): Promise<{ readonly path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'veristack-zkml-'))
  return { path, remove: () => rm(path, { recursive: true, force: true }) }
}

export const call = (signal = new AbortController().signal): Call => ({ signal, idempotencyKey: 'test', progress() {} })

/** What a stack would wire: one plugin with a memory blob store. */
export function wire(plugin: Plugin, blobs: Blobs = memoryBlobs()) {
  const provided = new Map<string, unknown>()
  const host: Host = {
    use: (role) => {
      if (role !== 'blobs') throw new Error(`no ${role}`)
      return blobs as Roles[typeof role]
    },
    all: () => [],
    provide: (role, make) => void provided.set(role, make(host)),
  }
  plugin.register(host)
  return {
    blobs,
    roles: [...provided.keys()],
    prover: provided.get('prover') as Prover & Required<Pick<Prover, 'setup' | 'commitments'>>,
    verifier: provided.get('verifier') as Verifier,
    onchain: provided.get('onchain') as OnChain,
    committer: provided.get('committer') as Roles['committer'],
  }
}
export type Wired = ReturnType<typeof wire>

export async function store(blobs: Blobs, program: IntegerProgram): Promise<Program> {
  return {
    id: programId(program),
    semantics: 'integer/v1',
    blob: await blobs.put(encodeProgram(program), PROGRAM_MEDIA_TYPE),
  }
}

const signer = localSigner(new Uint8Array(32).fill(7))
export const INPUT_SALT = toHex(Uint8Array.of(0, ...new Uint8Array(31).fill(0x21)))
export const OUTPUT_SALT = toHex(Uint8Array.of(0, ...new Uint8Array(31).fill(0x43)))

/** An honest job for a program, as core would put it together. */
export async function jobFor(
  { prover, committer, blobs }: Wired,
  integer: IntegerProgram,
  inputs: readonly Tensor[],
  artefacts: Artefacts,
  change: Partial<Claim> = {},
): Promise<ProveJob> {
  const program = await store(blobs, integer)
  const outputs = interpret(integer, inputs)
  const plan = await prover.commitments(program)
  const salts: Record<string, `0x${string}`> = {}
  const commit = async (
    entries: typeof plan.inputs,
    tensors: readonly Tensor[],
    salt: `0x${string}`,
  ): Promise<Commitment[]> => {
    const list: Commitment[] = []
    for (const entry of entries) {
      const of = entry.tensors.map((name) => tensors.find((t) => t.name === name) as Tensor)
      const spec = tensorSpecs(of)
      if (entry.salted) salts[commitmentKey({ scheme: entry.scheme, tensor: spec })] = salt
      const value =
        entry.scheme === RAW_SCHEME
          ? rawCommitment(of[0] as Tensor)
          : await committer.commit(program, of, entry.salted ? salt : undefined)
      list.push({ tensor: spec, scheme: entry.scheme, value })
    }
    return list
  }
  const inputList = await commit(plan.inputs, inputs, INPUT_SALT)
  if (plan.outputs === 'raw') throw new Error('zkml names its outputs')
  const outputList = await commit(plan.outputs, outputs, OUTPUT_SALT)
  const request = makeRequest({
    program: program.id,
    inputs: commitmentsDigest(inputList),
    requirement: digestOf(3),
    terms: ZERO_DIGEST,
    payer: signer.address,
    priceWei: 0n,
    nonce: digestOf(9),
    chainId: 31337n,
    contract: parseAddress(`0x${'ab'.repeat(20)}`),
    expiresAt: 1_900_000_000n,
  })
  const claim: Claim = {
    request: request.id,
    program: program.id,
    inputs: request.inputs,
    outputs: commitmentsDigest(outputList),
    requirement: request.requirement,
    claimant: signer.address,
    chainId: request.chainId,
    contract: request.contract,
    expiresAt: request.expiresAt,
    ...change,
  }
  const signed: SignedClaim = {
    claim,
    inputs: inputList,
    outputs: outputList,
    signature: await signer.sign(claimDigest(claim)),
  }
  const execution: Execution = { executor: signer.address, outputs, attachments: {} }
  return { request, policies: [], signed, program, inputs, executions: [execution], salts, artefacts }
}

/** The output salts of a job, as a receipt has them. */
export const outputSalts = ({ signed, salts }: ProveJob): Record<string, `0x${string}`> =>
  Object.fromEntries(
    signed.outputs.flatMap((c) =>
      salts[commitmentKey(c)] === undefined ? [] : [[commitmentKey(c), salts[commitmentKey(c)] as `0x${string}`]],
    ),
  )

export const contextFor = (
  artefacts: Artefacts | undefined,
  policy: VerifyContext['policy'] = null,
): VerifyContext => ({
  now: 1_800_000_000n,
  policy,
  anchors: (program) =>
    artefacts !== undefined && program === artefacts.program
      ? [{ digest: artefacts.anchor, origin: artefacts.origin }]
      : [],
})

export const features = (values: readonly (number | bigint)[], name = 'x'): Tensor =>
  tensor(name, 'int32', [1, values.length], values)

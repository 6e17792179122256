import { encodeCall, type Mined, read } from '@veristack/chain-evm'
import { type Digest, type Hex, parseAddress, parseDigest, parseProgramId } from '@veristack/core/receipt'
import { programRegistryAbi } from '../bindings/ProgramRegistry.ts'
import { type SendOptions, type SettlementClient, sendTo } from '../client.ts'

export interface PublishedAnchor {
  readonly digest: Digest
  /** Unix seconds. */
  readonly publishedAt: bigint
  /** Absent: not revoked. */
  readonly revokedAt?: bigint
}

/** Publishes a program's anchors under the client's account. `contentHash` is the SHA-256 of the program's blob. */
export async function publishAnchors(
  client: SettlementClient,
  p: {
    readonly program: Hex
    readonly contentHash: Hex
    readonly anchors: readonly { readonly kind: string; readonly digest: Hex }[]
  } & SendOptions,
): Promise<Mined> {
  const anchors = p.anchors.map(({ kind, digest }, i) => ({
    kind,
    digest: parseDigest(digest, `anchors[${i}].digest`),
  }))
  const args = [parseProgramId(p.program), parseDigest(p.contentHash, 'contentHash'), anchors]
  const data = await encodeCall(programRegistryAbi, 'publish', args)
  return sendToRegistry(client, 'publish', data, p)
}

/** Warns readers of an anchor. Requests that pinned it are not touched. */
export async function revokeAnchor(
  client: SettlementClient,
  p: { readonly program: Hex; readonly kind: string; readonly digest: Hex } & SendOptions,
): Promise<Mined> {
  const args = [parseProgramId(p.program), { kind: p.kind, digest: parseDigest(p.digest) }]
  const data = await encodeCall(programRegistryAbi, 'revokeAnchor', args)
  return sendToRegistry(client, 'revokeAnchor', data, p)
}

/** Warns readers of a whole program. Requests for it are not touched. */
export async function revokeProgram(
  client: SettlementClient,
  p: { readonly program: Hex } & SendOptions,
): Promise<Mined> {
  const data = await encodeCall(programRegistryAbi, 'revokeProgram', [parseProgramId(p.program)])
  return sendToRegistry(client, 'revokeProgram', data, p)
}

export interface PublishedProgram {
  /** SHA-256 of the program's blob. */
  readonly contentHash: Digest
  /** Unix seconds. */
  readonly publishedAt: bigint
  /** Absent: not revoked. */
  readonly revokedAt?: bigint
}

/** What a publisher said of a program; undefined where he never published it. */
export async function publishedProgram(
  { chain, deployment }: SettlementClient,
  p: { readonly publisher: Hex; readonly program: Hex },
): Promise<PublishedProgram | undefined> {
  const args = [parseAddress(p.publisher, 'publisher'), parseProgramId(p.program)]
  const [entry] = await read(chain, { address: deployment.registry, abi: programRegistryAbi, name: 'programOf', args })
  const [contentHash, publishedAt, revokedAt] = entry as readonly [string, bigint, bigint]
  if (publishedAt === 0n) return undefined
  return { contentHash: parseDigest(contentHash), publishedAt, ...(revokedAt === 0n ? {} : { revokedAt }) }
}

/** A publisher's anchors of one kind, in the order of publication. */
export async function anchorsOf(
  { chain, deployment }: SettlementClient,
  p: { readonly publisher: Hex; readonly program: Hex; readonly kind: string },
): Promise<readonly PublishedAnchor[]> {
  const [list] = await read(chain, {
    address: deployment.registry,
    abi: programRegistryAbi,
    name: 'anchorsOf',
    args: [parseAddress(p.publisher, 'publisher'), parseProgramId(p.program), p.kind],
  })
  return (list as readonly (readonly [string, bigint, bigint])[]).map(([digest, publishedAt, revokedAt]) => ({
    digest: parseDigest(digest),
    publishedAt,
    ...(revokedAt === 0n ? {} : { revokedAt }),
  }))
}

function sendToRegistry(
  client: SettlementClient,
  name: 'publish' | 'revokeAnchor' | 'revokeProgram',
  data: `0x${string}`,
  options: SendOptions,
) {
  return sendTo(client, { to: client.deployment.registry, data, name, abi: programRegistryAbi }, options)
}

import { type Mined, read, revertName } from '@veristack/chain-evm'
import {
  type Address,
  type Digest,
  fromHex,
  type Hex,
  isVeristackError,
  keccak,
  keccakText,
  parseHex,
  recoverSigner,
  type Signer,
  toHex,
  ZERO_ADDRESS,
} from '@veristack/core/receipt'
import type { SettlementClient } from '../client.ts'
import { fail } from '../errors.ts'
import type { Order } from '../order.ts'
import { tokenAbi } from '../token-abi.ts'
import { checkComposition, type PlaceRequestParameters, sendRequest } from './place-request.ts'

/** An EIP-2612 permit for the settlement contract over what an order escrows, as the contract takes it. */
export interface Permit {
  /** Unix seconds. */
  readonly deadline: bigint
  readonly v: number
  readonly r: Hex
  readonly s: Hex
}

export interface PermitParameters {
  readonly order: Order
  /** Unix seconds; default: the request's `expiresAt`. */
  readonly deadline?: bigint
  /** Of the token's EIP-712 domain, where the token does not say it (EIP-5267, or `version()`); default then `1`. */
  readonly version?: string
}

/** What the payer signs, as `eth_signTypedData_v4` takes it. https://eips.ethereum.org/EIPS/eip-2612 */
export interface PermitTypedData {
  readonly primaryType: 'Permit'
  readonly types: typeof TYPES
  readonly domain: {
    readonly name: string
    readonly version: string
    /** Decimal. */
    readonly chainId: string
    readonly verifyingContract: Address
  }
  /** Integers are decimal. */
  readonly message: {
    readonly owner: Address
    readonly spender: Address
    readonly value: string
    readonly nonce: string
    readonly deadline: string
  }
}

const TYPES = {
  EIP712Domain: [
    { name: 'name', type: 'string' },
    { name: 'version', type: 'string' },
    { name: 'chainId', type: 'uint256' },
    { name: 'verifyingContract', type: 'address' },
  ],
  Permit: [
    { name: 'owner', type: 'address' },
    { name: 'spender', type: 'address' },
    { name: 'value', type: 'uint256' },
    { name: 'nonce', type: 'uint256' },
    { name: 'deadline', type: 'uint256' },
  ],
} as const

const typeHash = (name: keyof typeof TYPES): Digest =>
  toHex(keccakText(`${name}(${TYPES[name].map((m) => `${m.type} ${m.name}`).join(',')})`)) as Digest

/**
 * What a payer signs so that the settlement contract may take an order's price and tip. The domain is made here of the token's
 * address and this chain, and only compared with the token's own: a token that states another's would otherwise have a
 * permit for that one signed. Throws `VS_SETTLE_PERMIT_UNSUPPORTED` where the token takes none, and
 * `VS_SETTLE_PERMIT_INVALID` where the domain is not the token's or the deadline has passed.
 */
export async function permitTypedData(
  { chain, deployment }: SettlementClient,
  { order, deadline = order.request.expiresAt, version }: PermitParameters,
): Promise<PermitTypedData> {
  const { payer: owner, priceWei } = order.request
  const { token, tipWei } = order.terms
  if (token === ZERO_ADDRESS) throw notAToken()
  const { timestamp } = await chain.now()
  if (deadline < timestamp) throw invalid('deadline', `not before ${timestamp}`, String(deadline))

  const ask = asker({ chain, token })
  const [stated, nonce, hash] = [
    await ask('DOMAIN_SEPARATOR'),
    await ask('nonces', owner),
    (await ask('PERMIT_TYPEHASH')) ?? typeHash('Permit'),
  ]
  if (stated === undefined || nonce === undefined || hash !== typeHash('Permit'))
    throw fail('VS_SETTLE_PERMIT_UNSUPPORTED', { details: { token, network: chain.network } })
  const domain = {
    name: String((await ask('eip712Domain', undefined, 1)) ?? (await ask('name')) ?? ''),
    version: version ?? String((await ask('eip712Domain', undefined, 2)) ?? (await ask('version')) ?? '1'),
    chainId: String(chain.chainId),
    verifyingContract: token,
  }
  const own = toHex(domainSeparator(domain))
  if (own !== parseHex(stated, 'DOMAIN_SEPARATOR', 32))
    throw invalid('domain', `${own}: ${domain.name}, version ${domain.version}, of this chain and token`, `${stated}`)
  return {
    primaryType: 'Permit',
    types: TYPES,
    domain,
    message: {
      owner,
      spender: deployment.settlement,
      value: String(priceWei + tipWei),
      nonce: String(nonce),
      deadline: String(deadline),
    },
  }
}

/** EIP-712 digest of a permit. */
export function permitDigest({ domain, message }: PermitTypedData): Digest {
  const struct = keccak(
    fromHex(typeHash('Permit')),
    word(message.owner),
    word(message.spender),
    word(BigInt(message.value)),
    word(BigInt(message.nonce)),
    word(BigInt(message.deadline)),
  )
  return toHex(keccak(Uint8Array.of(0x19, 0x01), domainSeparator(domain), struct)) as Digest
}

/** The permit of a wallet's signature of 65 bytes, r ‖ s ‖ v. Throws `VS_SETTLE_PERMIT_INVALID` where its owner did not sign it. */
export function permitOf(data: PermitTypedData, signature: Hex): Permit {
  const signer = recoverSigner(permitDigest(data), signature)
  const { owner, deadline } = data.message
  if (signer !== owner) throw invalid('signature', `of ${owner}`, `of ${signer ?? 'nobody'}`)
  const bytes = fromHex(signature)
  return {
    deadline: BigInt(deadline),
    v: bytes[64] ?? 0,
    r: toHex(bytes.subarray(0, 32)),
    s: toHex(bytes.subarray(32, 64)),
  }
}

/** Has the payer sign a permit, for {@link placeRequestWithPermit}. Throws as {@link permitTypedData} does. */
export async function signPermit(
  client: SettlementClient,
  { signer, ...p }: PermitParameters & { readonly signer: Signer },
): Promise<Permit> {
  const { payer } = p.order.request
  if (signer.address !== payer) throw invalid('signer', payer, signer.address)
  const data = await permitTypedData(client, p)
  return permitOf(data, await signer.sign(permitDigest(data)))
}

/**
 * Escrows price and tip in a token with the payer's permit, in one transaction. A permit that somebody else carried in
 * before does no harm: what counts is the allowance. Throws `VS_SETTLE_PERMIT_INVALID`, before anything is sent, where the permit
 * gives none; and as `placeRequest` does.
 */
export async function placeRequestWithPermit(
  client: SettlementClient,
  { permit, ...p }: PlaceRequestParameters & { readonly permit: Permit },
): Promise<Mined> {
  if (p.order.terms.token === ZERO_ADDRESS) throw notAToken()
  checkComposition(p)
  try {
    return await sendRequest(client, p, permit)
  } catch (error) {
    // The contract goes by the allowance alone, so it can not tell what is wrong with a permit; the token can.
    if (isVeristackError(error, 'VS_SETTLE_ALLOWANCE')) await checkPermit(client, p.order, permit, error)
    throw error
  }
}

async function checkPermit(
  { chain, deployment }: SettlementClient,
  { request, terms }: Order,
  { deadline, v, r, s }: Permit,
  cause: unknown,
): Promise<void> {
  const { timestamp } = await chain.now()
  if (deadline < timestamp) throw invalid('deadline', `not before ${timestamp}`, String(deadline), cause)
  const args = [request.payer, deployment.settlement, request.priceWei + terms.tipWei, deadline, v, r, s]
  try {
    await read(chain, { address: terms.token, abi: tokenAbi, name: 'permit', args })
  } catch (error) {
    if (!isRefusal(error)) throw error
    const why = revertName(error) ?? 'no answer'
    throw invalid('signature', `of ${request.payer}, for this token, chain, amount and nonce`, why, cause)
  }
}

/** Asks the token; undefined where it has no such function. */
const asker =
  ({ chain, token }: { readonly chain: SettlementClient['chain']; readonly token: Address }) =>
  async (
    name: 'DOMAIN_SEPARATOR' | 'PERMIT_TYPEHASH' | 'eip712Domain' | 'name' | 'nonces' | 'version',
    argument?: Address,
    member = 0,
  ): Promise<unknown> => {
    const args = argument === undefined ? [] : [argument]
    try {
      return (await read(chain, { address: token, abi: tokenAbi, name, args }))[member]
    } catch (error) {
      if (isRefusal(error)) return undefined
      throw error
    }
  }

/** The contract answered, and not with what the function returns. */
const isRefusal = (error: unknown): boolean =>
  revertName(error) !== undefined || (isVeristackError(error, 'VS_EVM_RPC') && error.details.address !== undefined)

const domainSeparator = ({ name, version, chainId, verifyingContract }: PermitTypedData['domain']): Uint8Array =>
  keccak(
    fromHex(typeHash('EIP712Domain')),
    keccakText(name),
    keccakText(version),
    word(BigInt(chainId)),
    word(verifyingContract),
  )

const word = (value: bigint | Address): Uint8Array => fromHex(`0x${BigInt(value).toString(16).padStart(64, '0')}`)

const invalid = (field: string, expected: string, got: string, cause?: unknown) =>
  fail('VS_SETTLE_PERMIT_INVALID', { details: { field, expected, got }, ...(cause === undefined ? {} : { cause }) })

const notAToken = () =>
  fail('VS_SETTLE_INVALID_OPTION', {
    details: { field: 'order.terms.token', expected: 'a token', got: "the chain's coin" },
  })

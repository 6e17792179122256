import { equalBytes } from '../bytes.ts'
import type { Ledger } from '../ledger.ts'
import { dated } from '../moment.ts'
import { type Certificate, commonName, equalKeys, type SignatureBackend, verifyCrl } from '../pki/index.ts'
import type { Certified } from './certification.ts'
import { verifyChain } from './chain.ts'
import type { IntelCheck } from './checks.ts'
import { type DecodedCollateral, type Signed, within } from './collateral.ts'
import type { Quote } from './parse.ts'
import { type QeIdentity, readQeIdentity, readTcbInfo, type TcbInfo } from './tcb-info.ts'

type Checks = Ledger<IntelCheck>

export interface Trust {
  readonly root: Certificate
  readonly at: bigint
  readonly backend: SignatureBackend
}

export interface Collateral {
  readonly tcbInfo: TcbInfo
  readonly qeIdentity: QeIdentity
}

const TCB_SIGNER = 'Intel SGX TCB Signing'

/**
 * Whose word the collateral is. Signatures come before contents, over bytes as they stand. What is authentic but old, or
 * for something else, is noted and read all the same, so that the verdict shows what it says.
 */
export async function authenticate(
  ledger: Checks,
  collateral: DecodedCollateral,
  quote: Quote,
  certified: Certified,
  trust: Trust,
): Promise<Collateral> {
  await checkCrls(ledger, collateral, certified, trust)
  await checkSigned(ledger, 'tcb-info-signature', collateral.tcbInfo, trust)
  const tcbInfo = within('tcb-info-form', 'VS_TEE_COLLATERAL', () => once(tcbInfos, collateral.tcbInfo, readTcbInfo))
  ledger.note('tcb-info-form', true)
  await checkSigned(ledger, 'qe-identity-signature', collateral.qeIdentity, trust)
  const qeIdentity = within('qe-identity-form', 'VS_TEE_COLLATERAL', () =>
    once(qeIdentities, collateral.qeIdentity, readQeIdentity),
  )
  ledger.note('qe-identity-form', true)

  const tee = quote.body.tee === 'sgx' ? 'SGX' : 'TDX'
  ledger.note('tcb-info-kind', tcbInfo.id === tee, `${tcbInfo.id} for ${tee}`)
  checkDates(ledger, 'tcb-info-date', tcbInfo, trust.at)
  const { pck } = certified
  const ids = `FMSPC ${pck.fmspc}, PCE id ${pck.pceId}; TCB info ${tcbInfo.fmspc}, ${tcbInfo.pceId}`
  ledger.note('tcb-info-platform', pck.fmspc === tcbInfo.fmspc && pck.pceId === tcbInfo.pceId, ids)
  ledger.note('qe-identity-kind', qeIdentity.id === (tee === 'SGX' ? 'QE' : 'TD_QE'), `${qeIdentity.id} for ${tee}`)
  checkDates(ledger, 'qe-identity-date', qeIdentity, trust.at)
  return { tcbInfo, qeIdentity }
}

/** What signed texts say; they stay as long as collateral is remembered. */
const tcbInfos = new WeakMap<Signed, TcbInfo>()
const qeIdentities = new WeakMap<Signed, QeIdentity>()

function once<T>(known: WeakMap<Signed, T>, signed: Signed, read: (body: string) => T): T {
  const value = known.get(signed) ?? read(signed.body)
  known.set(signed, value)
  return value
}

async function checkCrls(
  ledger: Checks,
  { rootCrl, pckCrl, pckCrlChain, tcbInfo, qeIdentity }: DecodedCollateral,
  { leaf, ca }: Certified,
  { root, at, backend }: Trust,
): Promise<void> {
  const byRoot = await verifyCrl(rootCrl, root, at, backend)
  ledger.note('root-crl', byRoot.ok, byRoot.ok ? undefined : byRoot.detail)
  const problem = await whyNotOf(pckCrlChain, ca, { root, at, backend })
  const byCa = problem === undefined ? await verifyCrl(pckCrl, ca, at, backend) : { ok: false, detail: problem }
  ledger.note('pck-crl', byCa.ok, byCa.ok ? undefined : byCa.detail)
  const issued: readonly (readonly [string, Certificate | undefined, typeof rootCrl])[] = [
    ['the root', root, rootCrl],
    ['the PCK CA', ca, rootCrl],
    ['the signer of the TCB info', tcbInfo.chain[0], rootCrl],
    ['the signer of the QE identity', qeIdentity.chain[0], rootCrl],
    ['the PCK certificate', leaf, pckCrl],
  ]
  const revoked = issued.filter(
    ([, certificate, list]) =>
      certificate !== undefined && equalBytes(list.issuer, certificate.issuer) && list.revoked.has(certificate.serial),
  )
  ledger.note('revocation', revoked.length === 0, revoked.map(([who]) => who).join(', ') || undefined)
}

/** The CA was verified with the PCK certificate; the chain of the list may only lead to the same one. */
async function whyNotOf(
  chain: readonly Certificate[],
  pckCa: Certificate,
  { root, at, backend }: Trust,
): Promise<string | undefined> {
  const [named] = chain
  if (named === undefined) return undefined
  const path = await verifyChain(chain, { at, backend, root, maxIntermediates: 0 })
  if (!path.ok) return path.detail
  const same = equalBytes(named.subject, pckCa.subject) && equalKeys(named.key, pckCa.key)
  return same ? undefined : 'the chain of the list is not that of the CA that issued the PCK certificate'
}

async function checkSigned(
  ledger: Checks,
  id: 'tcb-info-signature' | 'qe-identity-signature',
  { chain, bytes, signature }: Signed,
  { root, at, backend }: Trust,
): Promise<void> {
  const [signer] = chain
  if (signer === undefined) {
    ledger.require(id, false, 'no certificate')
    return
  }
  const path = await verifyChain(chain, { at, backend, root, maxIntermediates: 0 })
  // Old signers are as bad as unknown ones, but the body is theirs: only dates let the judgement go on.
  if (!path.ok && path.code === 'VS_TEE_CERTIFICATE_DATE') ledger.note(id, false, path.detail, path.code)
  else ledger.require(id, path.ok, path.ok ? undefined : path.detail, path.ok ? undefined : path.code)
  const name = commonName(signer.subject)
  ledger.require(id, name === TCB_SIGNER, `the signer is ${name ?? 'unnamed'}`)
  ledger.require(id, signer.ca === undefined, 'the signer is a CA')
  const signs = signer.keyUsage === undefined || signer.keyUsage.has('digitalSignature')
  ledger.require(id, signs, 'the key of the signer is not for signatures')
  const right = await backend.verify('ecdsa-p256-sha256', signer.key, bytes, signature)
  ledger.require(id, right, right ? undefined : 'the signature is wrong')
}

function checkDates(
  ledger: Checks,
  id: 'tcb-info-date' | 'qe-identity-date',
  { issueDate, nextUpdate }: { readonly issueDate: bigint; readonly nextUpdate: bigint },
  at: bigint,
): void {
  const holds = at >= issueDate && at <= nextUpdate
  const dates = holds ? undefined : `issued ${dated(issueDate)}, next ${dated(nextUpdate)}, now ${dated(at)}`
  ledger.note(id, holds, dates)
}

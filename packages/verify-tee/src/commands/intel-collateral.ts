import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'
import { fetchIntelCollateral } from '../intel/index.ts'
import { commonName } from '../pki/index.ts'
import { invalidOption, shown } from '../policy/index.ts'
import { type NamedFile, unusable } from './files.ts'
import { isRoot, nameOf, onlyOne, type PkiFiles, pemOf, sortFiles } from './pki-files.ts'
import type { Collateral, Fetching, ReadCollateral } from './vendor.ts'

/** Members of a set that other tools write beside what is judged. */
const BESIDE = new Set(['version', 'major_version', 'minor_version', 'tee_type'])

/**
 * A set in one JSON file, as `fetchIntelCollateral` and `@phala/dcap-qvl` write it; or the answers of Intel's services in
 * separate files: `{"tcbInfo":…}`, `{"enclaveIdentity":…}`, lists, and the certificates of their signers.
 */
export function intelCollateral({ path, isFolder, files }: Collateral): ReadCollateral {
  const sorted = sortFiles(files)
  const set = onlyOne(sorted.json, 'a set of collateral', isSet)
  if (set !== undefined) {
    if (sorted.json.length + sorted.certificates.length + sorted.crls.length > 1)
      throw unusable(path, 'has a whole set of collateral and other parts beside it: give the one file')
    return { value: normal(set), unused: sorted.others }
  }
  if (!isFolder && sorted.json.length > 0)
    throw unusable(path, 'is JSON, but has no tcb_info: give a whole set, or a folder of its parts')
  return fromParts(sorted, path)
}

/** A response has its signature inside, and is a part. */
const isSet = (value: Readonly<Record<string, unknown>>): boolean =>
  'tcb_info' in snake(value) && 'qe_identity' in snake(value)

const snake = (value: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> =>
  Object.fromEntries(Object.entries(value).map(([key, v]) => [key.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`), v]))

/** Parts that were parsed go back to the text that was signed: Intel signs JSON without white space. */
function normal(set: Readonly<Record<string, unknown>>): unknown {
  const entries = Object.entries(snake(set)).filter(([key]) => !BESIDE.has(key))
  return Object.fromEntries(
    entries.map(([key, v]) => [key, typeof v === 'object' && v !== null ? JSON.stringify(v) : v]),
  )
}

/** The set in one file. */
export async function fetchIntel(evidence: Uint8Array, asked: Fetching): Promise<readonly NamedFile[]> {
  const { update, product, ...options } = asked
  if (product !== undefined) throw invalidOption('--product', 'nothing for evidence of Intel', shown(product))
  if (update !== undefined && update !== 'standard' && update !== 'early')
    throw invalidOption('--update', '"standard" or "early"', shown(update))
  const set = await fetchIntelCollateral(evidence, { ...options, ...(update === undefined ? {} : { update }) })
  return [{ name: 'collateral.json', bytes: utf8ToBytes(`${JSON.stringify(set, null, 2)}\n`) }]
}

function fromParts(sorted: PkiFiles, place: string): ReadCollateral {
  const response = (member: string): string | undefined => {
    const value = onlyOne(sorted.json, `a response with ${member}`, (v) => member in v)
    const text = sorted.json.find((j) => j.value === value)?.text
    if (value === undefined || text === undefined) return undefined
    // As it stands where it is what the service sent, without the white space of an editor where it is not.
    return text.startsWith(`{"${member}":`)
      ? text
      : JSON.stringify({ [member]: value[member], signature: value.signature })
  }
  const { certificates, crls } = sorted
  const tcbInfo = response('tcbInfo')
  const qeIdentity = response('enclaveIdentity')
  const root = onlyOne(certificates, 'a root certificate', isRoot)
  const signer = onlyOne(certificates, 'a certificate of the TCB signer', (c) => nameOf(c) === 'Intel SGX TCB Signing')
  const ca = onlyOne(certificates, "a PCK CA's certificate", (c) => /^Intel SGX PCK .* CA$/.test(nameOf(c)))
  const leaf = onlyOne(certificates, 'a PCK certificate', (c) => nameOf(c) === 'Intel SGX PCK Certificate')
  const isPck = (issuer: Uint8Array): boolean => /PCK/.test(commonName(issuer) ?? '')
  const pckCrl = onlyOne(crls, "a PCK CA's list", ({ issuer }) => isPck(issuer))
  const rootCrl = onlyOne(crls, "the root's list", ({ issuer }) => !isPck(issuer))
  const lacking = Object.entries({
    'TCB info ({"tcbInfo":…,"signature":…})': tcbInfo,
    'QE identity ({"enclaveIdentity":…,"signature":…})': qeIdentity,
    'the certificate of Intel SGX TCB Signing': signer,
    "the root's revocation list": rootCrl,
    "the PCK CA's revocation list": pckCrl,
  }).flatMap(([name, part]) => (part === undefined ? [name] : []))
  if (lacking.length > 0) throw unusable(place, `lacks ${lacking.join('; ')}`)
  const chain = pemOf([signer, root])
  const value = {
    tcb_info: tcbInfo,
    tcb_info_issuer_chain: chain,
    qe_identity: qeIdentity,
    qe_identity_issuer_chain: chain,
    root_ca_crl: bytesToHex(rootCrl?.der ?? new Uint8Array()),
    pck_crl: bytesToHex(pckCrl?.der ?? new Uint8Array()),
    ...(ca === undefined ? {} : { pck_crl_issuer_chain: pemOf([ca, root]) }),
    ...(leaf === undefined ? {} : { pck_certificate_chain: pemOf([leaf, ca, root]) }),
  }
  const parts = sorted.json.filter((j) => !('tcbInfo' in j.value) && !('enclaveIdentity' in j.value))
  return { value, unused: [...sorted.others, ...parts.map(({ file }) => file)] }
}

import type { NvidiaCollateral } from '../nvidia/index.ts'
import { unusable } from './files.ts'
import { onlyOne, pemOf, sortFiles } from './pki-files.ts'
import type { Collateral, ReadCollateral } from './vendor.ts'

const FIELDS = ['keySet', 'certificateChain', 'crls', 'ocsp']

/**
 * A JSON file with the fields of `NvidiaCollateral`; or files: the issuer's key set (`{"keys":…}`), the chain of a report in
 * one PEM file, revocation lists, answers of the OCSP responder (DER).
 */
export function nvidiaCollateral({ path, files }: Collateral): ReadCollateral {
  const sorted = sortFiles(files)
  const set = onlyOne(sorted.json, 'a set of collateral', (value) => FIELDS.some((field) => field in value))
  if (set !== undefined) {
    const { keySet } = set
    const value = typeof keySet === 'object' && keySet !== null ? { ...set, keySet: JSON.stringify(keySet) } : set
    const from = sorted.json.find((j) => j.value === set)?.file
    return { value, unused: files.map(({ name }) => name).filter((name) => name !== from) }
  }
  const keys = onlyOne(sorted.json, 'a key set', (value) => Array.isArray(value.keys))
  const keySet = sorted.json.find(({ value }) => value === keys)?.text
  const { certificates, crls } = sorted
  const [first] = certificates
  const beside = certificates.find(({ file }) => file !== first?.file)
  if (beside !== undefined)
    throw unusable(beside.file, `has certificates, and so has ${first?.file}: a chain is one file, leaf first`)
  const ocsp = files.filter(({ name, bytes }) => sorted.others.includes(name) && bytes[0] === 0x30)
  const value: NvidiaCollateral = {
    ...(keySet === undefined ? {} : { keySet }),
    ...(first === undefined ? {} : { certificateChain: pemOf(certificates.map((c) => c.value)) }),
    ...(crls.length === 0 ? {} : { crls: crls.map((c) => c.value.der) }),
    ...(ocsp.length === 0 ? {} : { ocsp: ocsp.map(({ bytes }) => bytes) }),
  }
  if (Object.keys(value).length === 0) throw unusable(path, 'holds no key set, certificates, lists or OCSP answers')
  return { value, unused: sorted.others.filter((name) => !ocsp.some((o) => o.name === name)) }
}

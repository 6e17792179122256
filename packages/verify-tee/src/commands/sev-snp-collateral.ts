import { utf8ToBytes } from '@noble/hashes/utils.js'
import { equalBytes } from '../bytes.ts'
import { invalidOption, shown } from '../policy/index.ts'
import { fetchSevSnpCollateral, type SevSnpCollateral } from '../sev-snp/index.ts'
import { PRODUCTS } from '../sev-snp/product.ts'
import { type NamedFile, unusable } from './files.ts'
import { isRoot, nameOf, onlyOne, pemOf, sortFiles } from './pki-files.ts'
import type { Collateral, Fetching, ReadCollateral } from './vendor.ts'

/**
 * A JSON file `{"vek":…,"issuer":…,"crl":…}` of PEM or base64; or certificates and a list in files, as AMD's service
 * (KDS) hands them out.
 */
export function sevSnpCollateral({ path, isFolder, files }: Collateral): ReadCollateral {
  const sorted = sortFiles(files)
  const [set] = sorted.json
  if (!isFolder && set !== undefined) return { value: set.value, unused: [] }
  const { certificates, crls } = sorted
  const vek = onlyOne(certificates, 'an endorsement key', (c) => /^SEV-V[CL]EK$/.test(nameOf(c)))
  // Sets of all keys have several issuers and roots.
  const issuer = onlyOne(
    certificates,
    "the issuer's certificate",
    (c) => c !== vek && !isRoot(c) && (vek === undefined || equalBytes(c.subject, vek.issuer)),
  )
  const root = onlyOne(
    certificates,
    'the root',
    (c) => isRoot(c) && (issuer === undefined || equalBytes(c.subject, issuer.issuer)),
  )
  // One of another root is handed on, to be refused: left out, it would be as if none had been given.
  const crl =
    onlyOne(crls, "the root's list", (c) => root === undefined || equalBytes(c.issuer, root.subject)) ?? crls[0]?.value
  if (vek === undefined && issuer === undefined && crl === undefined)
    throw unusable(path, 'holds no certificate and no revocation list of AMD')
  const value: SevSnpCollateral = {
    ...(vek === undefined ? {} : { vek: vek.der }),
    ...(issuer === undefined ? {} : { issuer: pemOf([issuer, root]) }),
    ...(crl === undefined ? {} : { crl: crl.der }),
  }
  return { value, unused: [...sorted.others, ...sorted.json.map(({ file }) => file)] }
}

/** What the evidence does not carry itself, as AMD's service answers it. */
export async function fetchSevSnp(evidence: Uint8Array, asked: Fetching): Promise<readonly NamedFile[]> {
  const { pccsUrl, rootCrlUrl, update, product, ...options } = asked
  for (const [name, given] of Object.entries({
    '--pccs-url': pccsUrl,
    '--root-crl-url': rootCrlUrl,
    '--update': update,
  }))
    if (given !== undefined) throw invalidOption(name, 'nothing for evidence of AMD', shown(given))
  const known = PRODUCTS.find((line) => line === product)
  if (product !== undefined && known === undefined)
    throw invalidOption('--product', PRODUCTS.map(shown).join(' or '), shown(product))
  const { vek, issuer, crl } = await fetchSevSnpCollateral(evidence, { ...options, ...(known && { product: known }) })
  return Object.entries({ 'vek.der': vek, 'issuer.pem': issuer, 'crl.der': crl }).flatMap(([name, part]) =>
    part === undefined ? [] : [{ name, bytes: typeof part === 'string' ? utf8ToBytes(part) : part }],
  )
}

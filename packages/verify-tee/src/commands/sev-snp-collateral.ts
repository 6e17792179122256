import { equalBytes } from '../bytes.ts'
import type { SevSnpCollateral } from '../sev-snp/index.ts'
import { unusable } from './files.ts'
import { isRoot, nameOf, onlyOne, pemOf, sortFiles } from './pki-files.ts'
import type { Collateral, ReadCollateral } from './vendor.ts'

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
  const crl = onlyOne(crls, "the root's list", (c) => root === undefined || equalBytes(c.issuer, root.subject))
  if (vek === undefined && issuer === undefined && crl === undefined)
    throw unusable(path, 'holds no certificate and no revocation list of AMD')
  const value: SevSnpCollateral = {
    ...(vek === undefined ? {} : { vek: vek.der }),
    ...(issuer === undefined ? {} : { issuer: pemOf([issuer, root]) }),
    ...(crl === undefined ? {} : { crl: crl.der }),
  }
  return { value, unused: [...sorted.others, ...sorted.json.map(({ file }) => file)] }
}

import { moment } from '../moment.ts'
import {
  inspectNitro,
  type NitroAppraisal,
  type NitroClaims,
  type NitroRelyingParty,
  nitroDefaults,
  verifyNitro,
} from '../nitro/index.ts'
import { unusable } from './files.ts'
import { hexRow, row, type Section } from './print.ts'
import { chainSection, findings, judgedBy, nothingToFetch, reasonOf, type VendorCommands, type View } from './vendor.ts'

const MAX_AGE_SECONDS = 300

export const nitro: VendorCommands = {
  inspect,
  defaultPolicy: {
    appraisal: { ...nitroDefaults, pcrs: 'any' } satisfies NitroAppraisal,
    relyingParty: { maxAgeSeconds: MAX_AGE_SECONDS, platforms: 'any' } satisfies NitroRelyingParty,
  },
  collateral({ path }) {
    throw unusable(path, 'there is no collateral for Nitro documents')
  },
  fetch: () => Promise.reject(nothingToFetch('Nitro documents carry their certificates, and AWS publishes no lists')),
  verify: judgedBy(verifyNitro),
}

async function inspect(evidence: Uint8Array, now: bigint | undefined): Promise<View> {
  let claims: NitroClaims
  try {
    claims = inspectNitro(evidence)
  } catch (error) {
    return { vendor: 'AWS Nitro', sections: [], held: [], wrong: [reasonOf(error)], open: [] }
  }
  const made = BigInt(Math.floor(claims.timestamp / 1000))
  const at =
    now === undefined ? { seconds: made, why: 'when it says that it was made' } : { seconds: now, why: 'as asked' }
  const verdict = await verifyNitro(evidence, {
    appraisal: { pcrs: 'any' },
    relyingParty: { maxAgeSeconds: MAX_AGE_SECONDS, platforms: 'any' },
    now: at.seconds,
  })
  return { vendor: 'AWS Nitro', sections: sectionsOf(claims), at, ...findings(verdict), claims }
}

function sectionsOf(claims: NitroClaims): readonly Section[] {
  const given = (name: string, hex: string | undefined) => (hex === undefined ? row(name, 'none') : hexRow(name, hex))
  return [
    {
      title: 'document',
      rows: [
        row('module', claims.moduleId),
        row('instance', claims.instanceId ?? 'none in the module id'),
        row('made at', moment(claims.timestamp / 1000)),
        row('digest', claims.digest),
        row('debug mode', claims.debug ? 'yes' : 'no'),
        given('public key', claims.publicKey),
        given('user data', claims.userData),
        given('nonce', claims.nonce),
      ],
    },
    { title: 'measurements', rows: Object.entries(claims.pcrs).map(([i, value]) => hexRow(`PCR${i}`, value)) },
    { title: 'TCB', rows: [row('status', 'AWS publishes none')] },
    chainSection('certificate chain', claims.chain),
  ]
}

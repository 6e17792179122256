import type { TeeErrorCode } from '../errors.ts'
import { extension, makeCertificate, makeCrl, makeKey, oid, sequence } from '../pki/authority.fixture.ts'
import { entryOf, issuerAt, keyOf, makeList, NOW, ourOptions, usualCrls } from './devices.fixture.ts'
import { type Encoded, type NvidiaOptions, verifyNvidia } from './index.ts'
import { GOOD, HELD, makeOcsp, type OcspParts, UNKNOWN } from './ocsp.fixture.ts'

const evidence = makeList(entryOf())
const [ofRoot, ofIdentity, ofIca] = usualCrls()
/** Of the device's identity, which the ICA issued with this number. */
const SERIAL = 11n

const judge = (
  status: { readonly crls?: readonly (Encoded | undefined)[]; readonly ocsp?: readonly Encoded[] },
  revocation: 'required' | 'optional' = 'required',
  evidenceToo = evidence,
) => {
  const { appraisal, relyingParty, ...rest } = ourOptions()
  const options: NvidiaOptions = {
    ...rest,
    appraisal: { ...appraisal, reports: { measurements: 'any', revocation } },
    relyingParty: { ...relyingParty, devices: 'any' },
    collateral: { ...status, crls: (status.crls ?? [ofRoot, ofIdentity]).flatMap((list) => list ?? []) },
  }
  return verifyNvidia(evidenceToo, options)
}
const answer = (parts: Partial<OcspParts> = {}) => makeOcsp({ subjectSerial: SERIAL, issuer: 'ica', ...parts })

test('lists, or answers, or some of each', async () => {
  expect(await judge({ crls: [ofIca, ofRoot, ofIdentity] })).toMatchObject({ status: 'accepted' })
  expect(await judge({ ocsp: [answer()] })).toMatchObject({ status: 'accepted' })
  expect(
    await judge({
      crls: [],
      ocsp: [
        answer(),
        makeOcsp({ subjectSerial: 12n, issuer: 'identity' }),
        makeOcsp({ subjectSerial: 13n, issuer: 'root' }),
      ],
    }),
  ).toMatchObject({ status: 'accepted' })
  const texts = [ofIca, ofRoot, ofIdentity].map((der) => Buffer.from(der ?? []).toString('base64'))
  expect(await judge({ crls: texts })).toMatchObject({ status: 'accepted' })
})

test('lists as NVIDIA signs them, with SHA-256 on P-384', async () => {
  const by = (place: 'root' | 'identity' | 'ica') => {
    const { subject, key } = issuerAt(place)
    return { subject, key: { ...key, algorithm: 'ecdsa-p384-sha256' as const } }
  }
  const [root, identity] = [makeCrl({ issuer: by('root') }), makeCrl({ issuer: by('identity') })]
  expect(await judge({ crls: [root, identity], ocsp: [answer()] })).toMatchObject({ status: 'accepted' })
  const revoked = makeCrl({ issuer: by('ica'), revoked: [{ serial: SERIAL }] })
  expect(await judge({ crls: [root, identity, revoked] })).toMatchObject({ code: 'VS_TEE_REVOKED' })
  expect(await judge({ crls: [root, identity.with(-1, (identity.at(-1) ?? 0) ^ 1)] })).toMatchObject({
    code: 'VS_TEE_CRL',
  })
})

const MISSING = {
  status: 'rejected',
  check: 'revocation',
  code: 'VS_TEE_CRL',
  detail: expect.stringMatching(/^no list or OCSP answer about .* was given, which the policy requires$/),
}

test('one that is missing is missed, or not', async () => {
  for (const crls of [[], [ofRoot, ofIdentity], [ofRoot, ofIca], [ofIdentity, ofIca]]) {
    expect(await judge({ crls })).toMatchObject(MISSING)
    const verdict = await judge({ crls }, 'optional')
    expect(verdict).toMatchObject({ status: 'accepted' })
    expect(verdict.checks.find(({ id }) => id === 'revocation')).toMatchObject({
      outcome: 'skipped',
      detail: expect.stringMatching(/^the policy does without; no list or OCSP answer about .* was given$/),
    })
  }
  // Of another certificate, by another issuer.
  const strangers = [answer({ subjectSerial: 99n }), answer({ issuer: 'identity' })]
  expect(await judge({ ocsp: strangers })).toMatchObject(MISSING)
})

test.each(['sha1', 'sha256', 'sha384'] as const)('an answer by %s', async (hash) => {
  expect(await judge({ ocsp: [answer({ hash })] })).toMatchObject({ status: 'accepted' })
  expect(await judge({ ocsp: [answer({ hash, byKey: true })] })).toMatchObject({ status: 'accepted' })
})

const responderKey = makeKey('ecdsa-p384-sha384')
const signing = extension('2.5.29.37', sequence(oid('1.3.6.1.5.5.7.3.9')))
const responder = (change: Partial<Parameters<typeof makeCertificate>[0]> = {}) => {
  const parts = { subject: 'responder', key: responderKey, issuer: issuerAt('ica'), extensions: [signing], ...change }
  return { subject: 'responder', key: responderKey, certificates: [makeCertificate(parts)] }
}

test('an answer by whom the issuer made its responder', async () => {
  for (const byKey of [false, true])
    expect(await judge({ ocsp: [answer({ signer: responder(), byKey })] })).toMatchObject({ status: 'accepted' })
})

/** What an answer says of one certificate. */
function singleOf(parts: Partial<OcspParts>): Uint8Array {
  const found: Uint8Array[] = []
  answer({
    ...parts,
    singles: (single) => {
      found.push(single)
      return [single]
    },
  })
  return found[0] ?? new Uint8Array()
}

const REFUSED: readonly (readonly [string, TeeErrorCode, Parameters<typeof judge>[0]])[] = [
  ['held', 'VS_TEE_REVOKED', { ocsp: [answer({ status: HELD })] }],
  [
    'held by one answer, good by another',
    'VS_TEE_REVOKED',
    { ocsp: [answer({ status: GOOD }), answer({ status: HELD })] },
  ],
  [
    'held by an answer, not on the list',
    'VS_TEE_REVOKED',
    { crls: [ofRoot, ofIdentity, ofIca], ocsp: [answer({ status: HELD })] },
  ],
  [
    'good and held in one answer',
    'VS_TEE_CRL',
    { ocsp: [answer({ singles: (good) => [good, singleOf({ status: HELD })] })] },
  ],
  [
    'nine certificates in one answer',
    'VS_TEE_CRL',
    { ocsp: [answer({ singles: (good) => Array.from({ length: 9 }, () => good) })] },
  ],
  ['unknown', 'VS_TEE_CRL', { ocsp: [answer({ status: UNKNOWN })] }],
  ['an answer that is old', 'VS_TEE_CRL', { ocsp: [answer({ nextUpdate: NOW - 1n })] }],
  ['an answer from the future', 'VS_TEE_CRL', { ocsp: [answer({ thisUpdate: NOW + 1n })] }],
  ['an answer without an end', 'VS_TEE_CRL', { ocsp: [answer({ nextUpdate: null })] }],
  [
    'an answer with another signature',
    'VS_TEE_CRL',
    { ocsp: [answer({ signature: (s) => s.with(-1, (s.at(-1) ?? 0) ^ 1) })] },
  ],
  [
    'an answer that another key signed',
    'VS_TEE_CRL',
    { ocsp: [answer({ signer: { subject: issuerAt('ica').subject, key: keyOf('mallory') } })] },
  ],
  [
    'a responder that is not there',
    'VS_TEE_CRL',
    { ocsp: [answer({ signer: { subject: 'responder', key: responderKey } })] },
  ],
  [
    'a responder by another issuer',
    'VS_TEE_CRL',
    { ocsp: [answer({ signer: responder({ issuer: issuerAt('identity') }) })] },
  ],
  [
    'a responder that made itself',
    'VS_TEE_CRL',
    { ocsp: [answer({ signer: responder({ issuer: { subject: 'responder', key: responderKey } }) })] },
  ],
  [
    'a responder for other things',
    'VS_TEE_CRL',
    {
      ocsp: [
        answer({ signer: responder({ extensions: [extension('2.5.29.37', sequence(oid('1.3.6.1.5.5.7.3.1')))] }) }),
      ],
    },
  ],
  ['a responder for anything', 'VS_TEE_CRL', { ocsp: [answer({ signer: responder({ extensions: [] }) })] }],
  ['a responder whose key may not sign', 'VS_TEE_CRL', { ocsp: [answer({ signer: responder({ usage: [5] }) })] }],
  ['a responder that has ended', 'VS_TEE_CRL', { ocsp: [answer({ signer: responder({ notAfter: NOW - 1n }) })] }],
  [
    'an answer that the device signed',
    'VS_TEE_CRL',
    { ocsp: [answer({ signer: { ...issuerAt('brom'), certificates: [] } })] },
  ],
  ['a failure', 'VS_TEE_CRL', { ocsp: [answer({ outerStatus: 3 })] }],
  ['an answer of another type', 'VS_TEE_CRL', { ocsp: [answer({ responseType: '1.3.6.1.5.5.7.48.1.2' })] }],
  [
    'a critical extension',
    'VS_TEE_CRL',
    { ocsp: [answer({ extensions: extension('1.2.3', Uint8Array.of(5, 0), true) })] },
  ],
  [
    'a critical extension of the single answer',
    'VS_TEE_CRL',
    { ocsp: [answer({ singleExtensions: extension('1.2.3', Uint8Array.of(5, 0), true) })] },
  ],
  ['an answer that is none', 'VS_TEE_CRL', { ocsp: [Uint8Array.of(0x30, 0)] }],
  ['an answer in no base64', 'VS_TEE_CRL', { ocsp: ['?'] }],
  ['a huge answer', 'VS_TEE_CRL', { ocsp: [new Uint8Array(1 << 20)] }],
  [
    'on the list',
    'VS_TEE_REVOKED',
    { crls: [ofRoot, ofIdentity, makeCrl({ issuer: issuerAt('ica'), revoked: [{ serial: SERIAL }] })] },
  ],
  [
    'an issuer on the list',
    'VS_TEE_REVOKED',
    { crls: [makeCrl({ issuer: issuerAt('root'), revoked: [{ serial: 13n }] }), ofIdentity, ofIca] },
  ],
  [
    'a list that is old',
    'VS_TEE_CRL',
    { crls: [ofRoot, ofIdentity, makeCrl({ issuer: issuerAt('ica'), nextUpdate: NOW - 1n })] },
  ],
  [
    'a list that another key signed',
    'VS_TEE_CRL',
    { crls: [ofRoot, ofIdentity, makeCrl({ issuer: { ...issuerAt('ica'), key: keyOf('mallory') } })] },
  ],
  [
    'an old list beside a good one',
    'VS_TEE_CRL',
    { crls: [ofRoot, ofIdentity, ofIca, makeCrl({ issuer: issuerAt('ica'), nextUpdate: NOW - 1n })] },
  ],
  ['a list that is none', 'VS_TEE_CRL', { crls: [Uint8Array.of(0x30, 0)] }],
]

test.each(REFUSED)('%s', async (_, code, status) => {
  for (const revocation of ['required', 'optional'] as const)
    expect(await judge(status, revocation)).toMatchObject({ status: 'rejected', check: 'revocation', code })
})

test('an answer with a hash that nobody should use', async () => {
  expect(await judge({ ocsp: [answer({ hash: 'md5' })] })).toMatchObject({ status: 'rejected', code: 'VS_TEE_CRL' })
})

test('harmless extensions pass', async () => {
  const nonce = extension('1.3.6.1.5.5.7.48.1.2', Uint8Array.of(4, 1, 9))
  expect(await judge({ ocsp: [answer({ extensions: nonce, singleExtensions: nonce })] })).toMatchObject({
    status: 'accepted',
  })
})

import {
  BEGIN,
  type CertificateParts,
  certificateOf,
  END,
  extension,
  type Key,
  makeKey,
  NOW,
} from './authority.fixture.ts'
import { type Certificate, nobleBackend, verifyPath } from './index.ts'
import type { PathOptions } from './path.ts'

const NAMES = ['root', 'a', 'b', 'leaf'] as const
type Name = (typeof NAMES)[number]

const keys: Readonly<Record<Name | 'mallory', Key>> = {
  root: makeKey('ecdsa-p384-sha384'),
  a: makeKey('ecdsa-p256-sha256'),
  b: makeKey('rsa-pss-sha384'),
  leaf: makeKey('ecdsa-p256-sha256'),
  mallory: makeKey('ecdsa-p384-sha384'),
}

function one(name: Name, change: Partial<CertificateParts> = {}): Certificate {
  const at = NAMES.indexOf(name)
  const above = NAMES[at - 1]
  return certificateOf({
    subject: name,
    key: keys[name],
    ...(above === undefined ? {} : { issuer: { subject: above, key: keys[above] } }),
    ...(name === 'leaf' ? {} : { ca: {} }),
    ...change,
  })
}

const root = one('root')
const [a, b, leaf] = [one('a'), one('b'), one('leaf')]
const options: PathOptions = { at: NOW, backend: nobleBackend, root }
const verify = (path: readonly Certificate[], change: Partial<PathOptions> = {}) =>
  verifyPath(path, { ...options, ...change })

type Honest = readonly [what: string, path: readonly Certificate[], change?: Partial<PathOptions>]

describe('honest paths', () => {
  const honest: readonly Honest[] = [
    ['without the root', [leaf, b, a]],
    ['with the root', [leaf, b, a, root]],
    [
      'of the root’s own leaf',
      [certificateOf({ subject: 'l', key: keys.leaf, issuer: { subject: 'root', key: keys.root } })],
    ],
    [
      'with path lengths that are just enough',
      [leaf, one('b', { ca: { pathLength: 0 } }), one('a', { ca: { pathLength: 1 } })],
    ],
    ['from the first second', [leaf, b, a], { at: BEGIN }],
    ['until the last second', [leaf, b, a], { at: END }],
    [
      'with a critical extension that the caller reads',
      [one('leaf', { extensions: [extension('1.2.3', Uint8Array.of(5, 0), true)] }), b, a],
      { understood: ['1.2.3'] },
    ],
    [
      'with an extension that nobody needs',
      [one('leaf', { extensions: [extension('1.2.3', Uint8Array.of(5, 0))] }), b, a],
    ],
    [
      'ending with the root’s name and key in another certificate: the pinned one counts',
      [leaf, b, a, one('root', { serial: 9n, notAfter: BEGIN })],
    ],
    ['of a CA whose use is not restricted', [leaf, one('b', { usage: null }), a]],
  ]

  test.each(honest.map((row) => ({ what: row[0], row })))('$what', async ({ row: [, path, change] }) => {
    expect(await verify(path, change)).toEqual({ ok: true })
  })
})

const dates = 'VS_TEE_CERTIFICATE_DATE'
const chain = 'VS_TEE_CHAIN'
const imposter = one('root', { key: keys.mallory })
const underImposter = certificateOf({
  subject: 'a',
  key: keys.a,
  ca: {},
  issuer: { subject: 'root', key: keys.mallory },
})

type Cheat = readonly [what: string, code: string, path: readonly Certificate[], change?: Partial<PathOptions>]

describe('a way to cheat', () => {
  const cheats: readonly Cheat[] = [
    ['nothing', chain, []],
    ['the root alone', chain, [root]],
    ['the root as its own leaf', chain, [root, root]],
    ['an issuer that is no CA', chain, [leaf, one('b', { ca: false }), a]],
    [
      'a CA flag that is off',
      chain,
      [leaf, one('b', { ca: false, extensions: [extension('2.5.29.19', Uint8Array.of(0x30, 3, 1, 1, 0), true)] }), a],
    ],
    [
      'a leaf that issues a leaf',
      chain,
      [certificateOf({ subject: 'x', key: keys.mallory, issuer: { subject: 'leaf', key: keys.leaf } }), leaf, b, a],
    ],
    ['a path longer than an issuer allows', chain, [leaf, b, one('a', { ca: { pathLength: 0 } })]],
    ['a path longer than the root allows', chain, [leaf, b, a], { root: one('root', { ca: { pathLength: 1 } }) }],
    ['more certificates than allowed', chain, [leaf, b, a], { maxIntermediates: 1 }],
    ['an expired leaf', dates, [one('leaf', { notAfter: NOW - 1n }), b, a]],
    ['a leaf from the future', dates, [one('leaf', { notBefore: NOW + 1n }), b, a]],
    ['an expired intermediate', dates, [leaf, b, one('a', { notAfter: NOW - 1n })]],
    ['an expired root', dates, [leaf, b, a], { root: one('root', { notAfter: NOW - 1n }) }],
    [
      'a root that is pinned as expired, freshened in the evidence',
      dates,
      [leaf, b, a, root],
      { root: one('root', { notAfter: NOW - 1n }) },
    ],
    ['before everything', dates, [leaf, b, a], { at: BEGIN - 1n }],
    ['after everything', dates, [leaf, b, a], { at: END + 1n }],
    ['an issuer that may only sign lists', chain, [leaf, one('b', { usage: [6] }), a]],
    ['an issuer that may only sign data', chain, [leaf, one('b', { usage: [0] }), a]],
    [
      'a critical extension in the leaf',
      chain,
      [one('leaf', { extensions: [extension('1.2.3', Uint8Array.of(5, 0), true)] }), b, a],
    ],
    [
      'critical name constraints in an issuer',
      chain,
      [leaf, b, one('a', { extensions: [extension('2.5.29.30', Uint8Array.of(0x30, 0), true)] })],
    ],
    [
      'a critical extension in the root',
      chain,
      [leaf, b, a],
      { root: one('root', { extensions: [extension('1.2.3', Uint8Array.of(5, 0), true)] }) },
    ],
    ['an issuer of another name', chain, [leaf, b, one('a', { subject: 'A' })]],
    ['the same key under another name', chain, [leaf, one('b', { subject: 'c' }), a]],
    ['the same name with another key', chain, [leaf, one('b', { key: keys.mallory }), a]],
    ['a root of the same name', chain, [leaf, b, underImposter]],
    ['a root of the same name, there', chain, [leaf, b, underImposter, imposter]],
    ['a root of the same name under the pinned one', chain, [leaf, b, underImposter, imposter, root]],
    [
      'the root’s key under another name',
      chain,
      [
        certificateOf({ subject: 'x', key: keys.leaf, issuer: { subject: 'R', key: keys.root } }),
        one('root', { subject: 'R' }),
      ],
    ],
    ['a self-signed leaf', chain, [certificateOf({ subject: 'x', key: keys.mallory })]],
    ['a self-signed leaf with the root’s name', chain, [certificateOf({ subject: 'root', key: keys.mallory })]],
    ['a loop', chain, [leaf, b, a, b, a]],
    ['one twice', chain, [leaf, b, b, a]],
    ['one left out', chain, [leaf, a]],
    ['the other order', chain, [a, b, leaf]],
    ['the root in the middle', chain, [leaf, root, b, a]],
    ['a wrong signature', chain, [leaf, one('b', { signature: (s) => s.with(s.length - 1, (s.at(-1) ?? 0) ^ 1) }), a]],
    ['contents changed after signing', chain, [{ ...leaf, tbs: leaf.tbs.with(20, 1) }, b, a]],
    ['the signature of the other certificate', chain, [{ ...leaf, signature: b.signature }, b, a]],
    [
      'an algorithm that is not of the issuer’s key',
      chain,
      [{ ...leaf, algorithm: 'ecdsa-p256-sha256', signature: new Uint8Array(64) }, b, a],
    ],
  ]

  test.each(cheats.map((row) => ({ what: row[0], row })))('$what', async ({ row: [, code, path, change] }) => {
    expect(await verify(path, change)).toMatchObject({ ok: false, code, detail: expect.stringMatching(/./) })
  })
})

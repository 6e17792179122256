import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import Ajv2020 from 'ajv/dist/2020.js'
import fc from 'fast-check'
import {
  claimDigest,
  commitmentsDigest,
  type Hex,
  type Json,
  localSigner,
  makeRequest,
  offchainPolicy,
  type ProgramId,
  parseAddress,
  parseDigest,
  policyDigest,
  type Requirement,
  rawCommitment,
  requirementDigest,
  tensor,
  tensorSpecs,
  termsDigest,
  ZERO_ADDRESS,
  ZERO_DIGEST,
} from '../claim/index.ts'
import {
  parseAnchors,
  parseEvidence,
  parseReceipt,
  parseRequest,
  parseRequirement,
  parseSignedClaim,
  parseTensor,
  RECEIPT_LIMIT,
  serialiseAnchors,
  serialiseEvidence,
  serialiseReceipt,
  serialiseRequest,
  serialiseSignedClaim,
} from './parse.ts'
import type { Receipt } from './receipt.ts'
import { jsonSchemas } from './wire/json-schema.ts'

const policy = offchainPolicy('acme/quorum', { of: 3, k: 2, note: 'Größe' })
const requirement: Requirement = { any: [{ tier: 'acme/quorum', policy: policyDigest(policy) }] }
const label = tensor('label', 'int64', [1], [42n])
const signer = localSigner(`0x${'11'.repeat(32)}`)

async function sample(): Promise<Receipt> {
  const terms = { application: { labels: ['a', 'b'], version: 1.5 }, settlement: ZERO_DIGEST }
  const request = makeRequest({
    program: parseDigest(`0x${'22'.repeat(32)}`) as Hex as ProgramId,
    inputs: commitmentsDigest([]),
    requirement: requirementDigest(requirement),
    terms: termsDigest(terms),
    payer: parseAddress(`0x${'33'.repeat(20)}`),
    priceWei: 2n ** 256n - 1n,
    nonce: parseDigest(`0x${'44'.repeat(32)}`),
    chainId: 31337n,
    contract: ZERO_ADDRESS,
    expiresAt: 2n ** 64n - 1n,
  })
  const outputs = [{ tensor: 'label', scheme: 'raw/v1', value: rawCommitment(label) }]
  const claim = {
    request: request.id,
    program: request.program,
    inputs: request.inputs,
    outputs: commitmentsDigest(outputs),
    requirement: request.requirement,
    claimant: signer.address,
    chainId: request.chainId,
    contract: request.contract,
    expiresAt: request.expiresAt,
  }
  const digest = claimDigest(claim)
  return {
    version: 1,
    request,
    requirement,
    policies: [policy],
    terms,
    signed: { claim, inputs: [], outputs, signature: await signer.sign(digest) },
    outputs: [label],
    salts: { label: parseDigest(`0x${'55'.repeat(32)}`) },
    evidence: [
      {
        kind: 'acme/quorum',
        version: 1,
        claim: digest,
        payload: Uint8Array.of(1, 2, 255),
        blobs: [{ digest, bytes: 7, mediaType: 'application/json' }],
      },
    ],
    settlements: [
      {
        network: 'eip155:31337',
        ref: `0x${'66'.repeat(32)}`,
        state: 'final',
        mode: 'individual',
        detail: { gas: 250_000 },
      },
    ],
  }
}

const PROGRAM = `0x${'22'.repeat(32)}` as Hex as ProgramId

let good: Receipt
let text: string
beforeAll(async () => {
  good = await sample()
  text = serialiseReceipt(good)
})

type Wire = { [k: string]: Json } & { readonly request: { [k: string]: Json } }
const wire = (): Wire => JSON.parse(text)

/** The plain value with one place changed; `undefined` takes the place away. */
function edit(value: Json, path: readonly (string | number)[], to: (old: Json) => Json | undefined): Json {
  const [key, ...rest] = path
  const copy: Json = structuredClone(value)
  if (key === undefined) return to(copy) ?? null
  if (typeof copy !== 'object' || copy === null) throw new Error(`no place ${path.join('.')}`)
  const old: Json | undefined = Reflect.get(copy, key)
  if (rest.length > 0) Reflect.set(copy, key, edit(old ?? null, rest, to))
  else {
    const next = to(old ?? null)
    if (next === undefined) Reflect.deleteProperty(copy, key)
    else Reflect.set(copy, key, next)
  }
  return copy
}

function* paths(value: Json, at: readonly (string | number)[] = []): Iterable<readonly (string | number)[]> {
  if (typeof value !== 'object' || value === null) return
  for (const [k, inner] of Object.entries(value)) {
    const path = [...at, Array.isArray(value) ? Number(k) : k]
    yield path
    yield* paths(inner, path)
  }
}

const ajv = new Ajv2020({ strict: true })
const receiptSchema = () => JSON.parse(jsonSchemas().find((s) => s.file === 'receipt.schema.json')?.text ?? '')
const accepts = ajv.compile(receiptSchema())

describe('a receipt', () => {
  test('comes back as it was', () => {
    expect(parseReceipt(text)).toEqual(good)
    expect(parseReceipt(JSON.parse(text))).toEqual(good)
    expect(serialiseReceipt(parseReceipt(text))).toBe(text)
    expect(accepts(JSON.parse(text))).toBe(true)
  })

  test('may be laid out for people', () => {
    expect(parseReceipt(JSON.stringify(JSON.parse(text), null, 2))).toEqual(good)
  })

  test('has one text, whatever the order of its members', () => {
    const reversed = Object.fromEntries(Object.entries(good).reverse()) as unknown as Receipt
    expect(serialiseReceipt(reversed)).toBe(text)
  })

  test('parts have parsers of their own', () => {
    expect(parseRequest(serialiseRequest(good.request))).toEqual(good.request)
    expect(parseSignedClaim(serialiseSignedClaim(good.signed))).toEqual(good.signed)
    for (const e of good.evidence) expect(parseEvidence(serialiseEvidence(e))).toEqual(e)
    expect(parseRequirement(JSON.stringify(requirement))).toEqual(requirement)
  })

  test('without any one of its fields is refused, by parser and schema', () => {
    const free = ['offchain', 'application', 'detail']
    for (const path of paths(wire())) {
      const key = path.at(-1)
      if (typeof key === 'number' || path[0] === 'salts' || path.slice(0, -1).some((p) => free.includes(String(p))))
        continue
      const without = edit(wire(), path, () => undefined)
      expect([path, refusal(() => parseReceipt(without))?.code]).toEqual([path, 'VS_CORE_INVALID_DATA'])
      expect([path, accepts(without)]).toEqual([path, false])
    }
  })

  test('with a field too many anywhere is refused, by parser and schema', () => {
    const free = ['offchain', 'application', 'detail', 'salts']
    for (const path of [[], ...paths(wire())]) {
      if (path.some((p) => free.includes(String(p)))) continue
      const target = path.reduce<Json>((v, k) => (v as { [k: string]: Json })[k] ?? null, wire())
      if (typeof target !== 'object' || target === null || Array.isArray(target)) continue
      const more = edit(wire(), [...path, 'extra'], () => 1)
      expect([path, refusal(() => parseReceipt(more))?.code]).toEqual([path, 'VS_CORE_INVALID_DATA'])
      expect([path, accepts(more)]).toEqual([path, false])
    }
  })

  test('with a value of another type anywhere is refused', () => {
    const free = ['offchain', 'application', 'detail']
    for (const path of paths(wire())) {
      if (path.some((p) => free.includes(String(p)))) continue
      for (const wrong of [null, true, 0.5, {}, 'x', [[]]] as const) {
        const changed = edit(wire(), path, (old) => (JSON.stringify(old) === JSON.stringify(wrong) ? null : wrong))
        // An empty record of salts is a record; names and texts of people may be any.
        if (['salts', 'tensor', 'name', 'scheme', 'tier'].includes(String(path.at(-1)))) continue
        expect([path, wrong, refusal(() => parseReceipt(changed))?.code]).toEqual([path, wrong, 'VS_CORE_INVALID_DATA'])
        expect([path, wrong, accepts(changed)]).toEqual([path, wrong, false])
      }
    }
  })
})

const set =
  (...path: (string | number)[]) =>
  (value: Json) =>
    edit(wire(), path, () => value)

/** Spellings that a lax reader would take; the schema refuses them too. */
describe.each<[string, (value: Json) => Json, readonly Json[]]>([
  ['an integer', set('request', 'priceWei'), ['01', '+1', '-1', '1.0', '1e3', '0x1', ' 1', '1 ', '', '١', 1, '-0']],
  [
    'a digest',
    set('request', 'inputs'),
    [`0x${'AB'.repeat(32)}`, 'ab'.repeat(32), `0X${'ab'.repeat(32)}`, `0x${'ab'.repeat(31)}`, `0x${'ab'.repeat(32)}\n`],
  ],
  ['an address', set('request', 'payer'), ['0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266', `0x${'ab'.repeat(32)}`]],
  ['bytes', set('evidence', 0, 'payload'), ['0xA0', '0x0', '', '0', 'AQI=', [1, 2]]],
  ['a version', set('version'), [0, 2, '1', 1.5]],
  ['a kind', set('evidence', 0, 'kind'), ['zkml', '/x', 'x/', 'A/b', 'a b/c', '../x', 'a//b']],
  ['a state', set('settlements', 0, 'state'), ['done', 'Final', '']],
  ['a network', set('settlements', 0, 'network'), ['eip155', '31337', 'eip155:']],
  ['a shape', set('outputs', 0, 'shape'), [[1.5], [-1], ['1'], [1, 1, 1, 1, 1, 1, 1, 1, 1], [2 ** 31]]],
  ['a type', set('outputs', 0, 'type'), ['int4', 'string', 'toString']],
  ['a tier', set('policies', 0, 'tier'), ['', 'a\u0000', 'a\n', 'x'.repeat(129)]],
  ['a requirement', set('requirement'), [{ all: [] }, { atLeast: 0, of: [] }, { tier: 'x' }, { any: [], all: [] }, []]],
])('%s', (_, change, wrong) => {
  test.each(wrong.map((w) => [w]))('is not %j', (value) => {
    expect(refusal(() => parseReceipt(change(value)))).toMatchObject({ code: 'VS_CORE_INVALID_DATA' })
    expect(accepts(change(value))).toBe(false)
  })
})

/** What a JSON Schema can not say. */
test.each<[string, (v: Json) => Json, Json]>([
  ['2^256', set('request', 'priceWei'), String(2n ** 256n)],
  ['2^64', set('request', 'expiresAt'), String(2n ** 64n)],
  ['data that does not fit the shape', set('outputs', 0, 'data'), '0x00'],
  ['more than the leaves there are', set('requirement'), { atLeast: 2, of: [{ tier: 'x', policy: ZERO_DIGEST }] }],
  ['a lone surrogate', set('policies', 0, 'tier'), '\ud800'],
  ['a lone surrogate in free data', set('terms', 'application'), ['\ud800']],
  ['negative zero', set('terms', 'application'), -0],
])('%s is refused', (_, change, value) => {
  expect(refusal(() => parseReceipt(change(value)))).toMatchObject({ code: 'VS_CORE_INVALID_DATA' })
})

describe('texts', () => {
  test.each<[string, (t: string) => string, string]>([
    ['an empty text', () => '', 'receipt'],
    ['half a text', (t) => t.slice(0, t.length / 2), 'receipt'],
    ['two texts', (t) => t + t, 'receipt'],
    ['a repeated member', (t) => t.replace('"version":1', '"version":1,"version":1'), 'receipt'],
    ['a repeated member, escaped', (t) => t.replace('"version":1', '"version":1,"\\u0076ersion":1'), 'receipt'],
    ['a repeated member in free data', (t) => t.replace('"gas":250000', '"gas":1,"gas":250000'), 'receipt'],
    ['__proto__', (t) => t.replace('"gas":250000', '"__proto__":{"a":1}'), 'receipt.settlements[0].detail'],
    ['a number with another text, 250000.0', (t) => t.replace(':250000', ':250000.0'), 'receipt'],
    ['a number with another text, 25e4', (t) => t.replace(':250000', ':25e4'), 'receipt'],
    ['a number that a reader must round', (t) => t.replace(':250000', ':250000.00000000000001'), 'receipt'],
    ['an integer over 2^53', (t) => t.replace(':250000', ':9007199254740993'), 'receipt'],
    ['an infinite number', (t) => t.replace('250000', '1e999'), 'receipt.settlements[0].detail.gas'],
    ['nesting of 33', (t) => t.replace('250000', `${'['.repeat(31)}1${']'.repeat(31)}`), ''],
    ['nesting of a million', (t) => t.replace('250000', `${'['.repeat(1e6)}1${']'.repeat(1e6)}`), ''],
  ])('%s is refused', (_, change, field) => {
    expect(refusal(() => parseReceipt(change(text)))).toMatchObject({
      code: 'VS_CORE_INVALID_DATA',
      ...(field === '' ? {} : { details: expect.objectContaining({ field }) }),
    })
  })

  test('over the limit are refused before they are read', () => {
    expect(refusal(() => parseReceipt('x'.repeat(RECEIPT_LIMIT + 1)))).toMatchObject({ code: 'VS_CORE_TOO_LARGE' })
    expect(refusal(() => parseReceipt('ж'.repeat(RECEIPT_LIMIT / 2 + 1)))).toMatchObject({ code: 'VS_CORE_TOO_LARGE' })
    expect(refusal(() => parseReceipt('x'.repeat(RECEIPT_LIMIT)))).toMatchObject({ code: 'VS_CORE_INVALID_DATA' })
  })

  test('of nearly the limit are read', () => {
    const payload = new Uint8Array(4_000_000).fill(0xab)
    const large = { ...good, evidence: good.evidence.map((e) => ({ ...e, payload })) }
    expect(parseReceipt(serialiseReceipt(large)).evidence[0]?.payload).toHaveLength(payload.length)
    const tooLarge = {
      ...good,
      evidence: good.evidence.map((e) => ({ ...e, payload: new Uint8Array(RECEIPT_LIMIT / 2) })),
    }
    expect(refusal(() => serialiseReceipt(tooLarge))).toMatchObject({ code: 'VS_CORE_TOO_LARGE' })
  })

  test('name as many tensors under one commitment as a program may have', async () => {
    const receipt = await sample()
    const port = (i: number) => ({
      name: `${i}`.padStart(256, 'x'),
      type: 'uint64' as const,
      shape: Array(8).fill(0x7fffffff),
    })
    const tensor = tensorSpecs(Array.from({ length: 64 }, (_, i) => port(i)))
    const listed = (text: string) => ({
      ...receipt.signed,
      outputs: [{ tensor: text, scheme: 'acme/v1', value: '0x' as const }],
    })
    expect(parseSignedClaim(serialiseSignedClaim(listed(tensor))).outputs[0]?.tensor).toBe(tensor)
    expect(() => serialiseSignedClaim(listed('x'.repeat(65_537)))).toThrow('VS_CORE_INVALID_DATA')
  })

  test.each([undefined, 7, null, () => 1, Symbol('x'), new Date(0), new Map(), [], 1n])(
    'a value that is no text nor plain data is refused (%#)',
    (value) => {
      expect(refusal(() => parseReceipt(value))).toMatchObject({ code: 'VS_CORE_INVALID_DATA' })
    },
  )

  test('what can not be read is not written', () => {
    expect(refusal(() => serialiseReceipt({ ...good, extra: 1 } as Receipt))).toMatchObject({
      code: 'VS_CORE_INVALID_DATA',
    })
    const cycle: { self?: unknown } = {}
    cycle.self = cycle
    const cyclic = { ...good, terms: { ...good.terms, application: cycle as Json } }
    expect(refusal(() => serialiseReceipt(cyclic))).toMatchObject({ code: 'VS_CORE_INVALID_DATA' })
  })

  test('an error names the place, what was expected and what came, and does not quote the text', () => {
    const changed = edit(wire(), ['signed', 'outputs', 0, 'value'], () => '0xzz')
    expect(refusal(() => parseReceipt(changed))?.details).toMatchObject({
      field: 'receipt.signed.outputs[0].value',
      expected: '0x and lower-case hexadecimal digits, two for each byte',
      got: '"0xzz"',
    })
    expect(refusal(() => parseReceipt(edit(wire(), ['salts', 'label'], () => undefined)))).toBeUndefined()
    expect(refusal(() => parseReceipt(text.replace('"salts"', 'salts')))?.message).not.toContain('5555')
  })
})

test('random edits of the text never give another text for the same receipt, nor another kind of error', () => {
  fc.assert(
    fc.property(fc.nat(), fc.constantFrom('', '0', '"', '{', '}', ',', '\\', '\u0000', '-', 'e', 'A'), (at, insert) => {
      const place = at % text.length
      const changed = text.slice(0, place) + insert + text.slice(place + 1)
      let parsed: Receipt | undefined
      try {
        parsed = parseReceipt(changed)
      } catch (error) {
        expect(error).toMatchObject({ code: expect.stringMatching(/^VS_CORE_(INVALID_DATA|TOO_LARGE)$/) })
      }
      if (parsed !== undefined && changed !== text) expect(serialiseReceipt(parsed)).not.toBe(text)
    }),
    { numRuns: 400 },
  )
})

test('tensors: any data of the right length comes back', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -128, max: 127 })), (values) => {
      const t = tensor('x', 'int8', [values.length], values)
      const hex = Buffer.from(t.data).toString('hex')
      expect(parseTensor({ name: 'x', type: 'int8', shape: [values.length], data: `0x${hex}` })).toEqual(t)
    }),
  )
})

describe('anchors', () => {
  const set1 = {
    version: 1,
    anchors: [{ program: PROGRAM, kind: 'zkml/groth16-bn254', digest: ZERO_DIGEST, origin: 'ceremony' }],
  } as const

  test('come back', () => {
    expect(parseAnchors(serialiseAnchors(set1))).toEqual(set1)
    expect(parseAnchors({ version: 1, anchors: [] })).toEqual({ version: 1, anchors: [] })
  })

  test.each<[string, unknown]>([
    ['another version', { ...set1, version: 2 }],
    ['another origin', { version: 1, anchors: [{ ...set1.anchors[0], origin: 'trusted' }] }],
    ['no origin', { version: 1, anchors: [{ ...set1.anchors[0], origin: undefined }] }],
    ['a field too many', { version: 1, anchors: [{ ...set1.anchors[0], name: 'x' }] }],
    ['a list alone', set1.anchors],
  ])('%s is refused', (_, value) => {
    expect(refusal(() => parseAnchors(value))).toMatchObject({ code: 'VS_CORE_INVALID_DATA' })
  })
})

describe('JSON Schemas', () => {
  const directory = join(__dirname, '../../schema')

  test('that are published are current', () => {
    expect(readdirSync(directory).sort()).toEqual(
      jsonSchemas()
        .map((s) => s.file)
        .sort(),
    )
    for (const { file, text: expected } of jsonSchemas())
      expect(readFileSync(join(directory, file), 'utf8')).toBe(expected)
  })

  test('are schemas that a strict validator takes', () => {
    for (const { text: schema } of jsonSchemas())
      expect(() => new Ajv2020({ strict: true }).compile(JSON.parse(schema))).not.toThrow()
  })
})

interface Refusal {
  readonly code: string
  readonly message: string
  readonly details: Readonly<Record<string, unknown>>
}

function refusal(act: () => unknown): Refusal | undefined {
  try {
    act()
  } catch (error) {
    if (typeof error === 'object' && error !== null && 'code' in error) return error as Refusal
    throw error
  }
  return undefined
}

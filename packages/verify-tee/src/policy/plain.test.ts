import * as z from 'zod'
import { intelDefaults } from '../intel/index.ts'
import { intelAppraisal } from '../intel/policy.ts'
import { nitroAppraisal, nitroRelyingParty } from '../nitro/policy.ts'
import { nvidiaAppraisal, nvidiaRelyingParty } from '../nvidia/policy.ts'
import { sevSnpAppraisal, sevSnpRelyingParty } from '../sev-snp/policy.ts'
import { shown } from './fault.ts'
import { hexOf, oneOf, parsePlain } from './plain.ts'

/** What an error says of a value. */
function faultOf<T>(schema: z.ZodType<T>, value: unknown): unknown {
  try {
    return parsePlain(schema, value, 'policy')
  } catch (error) {
    expect(error).toMatchObject({ code: 'VS_TEE_INVALID_OPTION' })
    return (error as { details: unknown }).details
  }
}

const flat = z.strictObject({ debug: z.boolean(), mode: z.enum(['a', 'b']).optional(), limit: z.int().min(1).max(9) })

describe('an unknown key is what came, and the known ones are what was expected', () => {
  test('before anything else that is wrong', () => {
    expect(faultOf(flat, { debugg: true, limit: 99 })).toEqual({
      field: 'policy',
      expected: 'no keys but debug, mode, limit',
      got: 'the key debugg',
    })
    expect(faultOf(flat, { debug: 1, limit: 1, 'a\u202eb': 1, x: 2 })).toMatchObject({
      got: 'the keys "a\\u{202e}b", x',
    })
  })

  test('inside lists and unions, by the branch that was meant', () => {
    const appraisal = (tdx: unknown, sgx: unknown = []) => ({ ...intelDefaults, tdx, sgx })
    expect(faultOf(intelAppraisal, appraisal([{ mrTd: '00'.repeat(48), rtmr4: '00' }]))).toMatchObject({
      field: 'policy.tdx.0',
      expected: expect.stringMatching(/^no keys but mrTd, rtmr0, /),
      got: 'the key rtmr4',
    })
    const signed = { mrSigner: '00'.repeat(32), isvProdId: 1 }
    expect(faultOf(intelAppraisal, appraisal([], [signed]))).toEqual({
      field: 'policy.sgx.0.minimumIsvSvn',
      expected: 'a whole number',
      got: 'nothing',
    })
    expect(faultOf(intelAppraisal, appraisal([], [{ ...signed, minimumIsvSvn: 1, isvprodid: 2 }]))).toMatchObject({
      field: 'policy.sgx.0',
      expected: expect.stringMatching(/^no keys but mrSigner, isvProdId, /),
      got: 'the key isvprodid',
    })
  })

  test.each<readonly [string, z.ZodType]>([
    ['intelAppraisal', intelAppraisal],
    ['nitroAppraisal', nitroAppraisal],
    ['nitroRelyingParty', nitroRelyingParty],
    ['sevSnpAppraisal', sevSnpAppraisal],
    ['sevSnpRelyingParty', sevSnpRelyingParty],
    ['nvidiaAppraisal', nvidiaAppraisal],
    ['nvidiaRelyingParty', nvidiaRelyingParty],
  ])('in %s', (_, schema) => {
    expect(faultOf(schema, { platform: 'any' })).toMatchObject({
      field: 'policy',
      expected: expect.stringMatching(/^no keys but \w+, \w+/),
      got: 'the key platform',
    })
  })
})

describe('field, what was expected, what came', () => {
  const any = z.strictObject({ ids: z.union([z.literal('any'), oneOf(hexOf(2))]) })
  const record = z.record(z.string().regex(/^\d$/, 'a digit'), z.boolean())
  test.each<readonly [string, z.ZodType, unknown, readonly [string, string, string]]>([
    ['another kind', flat, 5, ['policy', 'an object', '5']],
    ['a field that is missing', flat, { limit: 1 }, ['policy.debug', 'true or false', 'nothing']],
    ['a number in a text', flat, { debug: true, limit: '1' }, ['policy.limit', 'a whole number', '"1"']],
    ['a part of a number', flat, { debug: true, limit: 1.5 }, ['policy.limit', 'a whole number', '1.5']],
    ['too little', flat, { debug: true, limit: 0 }, ['policy.limit', 'at least 1', '0']],
    ['too much', flat, { debug: true, limit: 10 }, ['policy.limit', 'at most 9', '10']],
    ['another word', flat, { debug: true, limit: 1, mode: 'c' }, ['policy.mode', '"a" or "b"', '"c"']],
    ['nothing of a union', any, {}, ['policy.ids', '"any", or a list', 'nothing']],
    ['another word of a union', any, { ids: 'all' }, ['policy.ids', '"any", or a list', '"all"']],
    ['an empty list', any, { ids: [] }, ['policy.ids', 'at least one value', 'a list of 0']],
    ['a value in a list', any, { ids: ['00ff', 'x'] }, ['policy.ids.1', expect.stringMatching(/^2 bytes in/), '"x"']],
    ['a key of another form', record, { q: true }, ['policy.q', 'a digit', '"q"']],
    [
      'no URL',
      nvidiaAppraisal.unwrap().shape.tokens.unwrap().unwrap().shape.issuer.unwrap(),
      'x',
      ['policy', 'a URL', '"x"'],
    ],
  ])('%s', (_, schema, value, [field, expected, got]) => {
    expect(faultOf(schema, value)).toEqual({ field, expected, got })
  })
})

test('a value is shown in a few words, on one line, and moves no terminal', () => {
  expect([undefined, null, 5, 7n, true, [1, 2], {}, new Uint8Array(3), () => 1].map(shown)).toEqual([
    'nothing',
    'null',
    '5',
    '7n',
    'true',
    'a list of 2',
    'an object with nothing in it',
    '3 bytes',
    'a function',
  ])
  expect(shown('\u001b[2J\u202e\n')).toBe('"\\u001b[2J\\u{202e}\\n"')
  expect(shown('x'.repeat(1000))).toMatch(/^"x{60,64}… \(1000 characters\)$/)
  const wide = Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`k${i}`, i]))
  expect(shown(wide)).toBe('an object with k0, k1, k2, k3, k4, k5, k6, k7, 12 more')
})

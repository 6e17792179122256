import { parseAddress, parseProgramId } from '@veristack/core/receipt'
import { evm } from '../evm.ts'
import { checkOptions, type IntakeOptions } from './options.ts'

const serves: IntakeOptions['serves'] = [
  {
    program: { id: parseProgramId(`0x${'11'.repeat(32)}`), semantics: 'integer/v1', bytes: new Uint8Array() },
    inputsOf: async () => ({ inputs: [] }),
  },
]
const common = { settlement: evm(), serves }
// As viem types and writes them; and from a variable of the environment.
const account: `0x${string}` = '0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266'
const text = String(account)
const own = parseAddress(account)

test('addresses are taken as other libraries have them', () => {
  const price = { unitsPerEther: 1n }
  expect(checkOptions({ ...common, tokens: { [account]: price } }).tokens.has(own)).toBe(true)
  expect(checkOptions({ ...common, tokens: { [text]: price } }).tokens.has(own)).toBe(true)
  expect(checkOptions({ ...common, tokens: { [own]: price } }).tokens.has(own)).toBe(true)
  expect(checkOptions({ ...common, payers: [account] }).payers?.has(own)).toBe(true)
  expect(checkOptions({ ...common, publisher: account }).publisher).toBe(own)
})

test('and refused by name', () => {
  for (const [field, change] of [
    ['payers[1]', { payers: [account, '0x12'] }],
    ['publisher', { publisher: '0x12' }],
    ['tokens', { tokens: { '0x12': { unitsPerEther: 1n } } }],
  ] as const)
    expect(() => checkOptions({ ...common, ...change })).toThrow(
      expect.objectContaining({ details: expect.objectContaining({ field: `intake.${field}` }) }),
    )
})

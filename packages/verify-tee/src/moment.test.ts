import { verifyIntel } from './intel/index.ts'
import { makeCollateral, makeQuote, NOW, ourOptions } from './intel/platform.fixture.ts'
import { dated, moment } from './moment.ts'

test('moments outside any calendar are numbers', () => {
  expect(moment(0n)).toBe('1970-01-01T00:00:00Z')
  expect(moment(10n ** 20n)).toBe('100000000000000000000 s')
  expect(dated(1_750_000_000)).toBe('1750000000 (2025-06-15T15:06:40Z)')
})

test('a verdict about dates says them in both forms', async () => {
  const now = 4_102_444_800n
  const verdict = await verifyIntel(makeQuote(), { ...ourOptions(), collateral: makeCollateral(), now })
  expect(now).toBeGreaterThan(NOW)
  const failed = verdict.checks.filter(({ outcome }) => outcome === 'fail')
  expect(failed.length).toBeGreaterThan(0)
  for (const { detail } of failed) expect(detail).toContain('now 4102444800 (2100-01-01T00:00:00Z)')
})

import { makeEvidence, ourOptions as nitroOptions, type Value } from '../nitro/enclave.fixture.ts'
import { verifyNitro } from '../nitro/index.ts'
import { entryOf, GPU, makeBundle, makeList, makeReport, NONCE, ourOptions } from './devices.fixture.ts'
import { type CpuRule, type NvidiaOptions, nonceForCpu, verifyNvidia } from './index.ts'

const { relyingParty, ...rest } = ourOptions()
const bound = (data: string, rule: CpuRule): NvidiaOptions => ({
  ...rest,
  relyingParty: { ...relyingParty, nonce: 'any', devices: 'any', cpu: { data, rule } },
})
const listOf = (nonce: string) => makeList({ ...entryOf(GPU, makeReport({ nonce })), nonce })

/** What an enclave does: it puts nonce and key into its document, and asks the GPU with what they come to. */
async function enclave(
  nonce: string,
  userData: string,
): Promise<{ readonly nonce: string; readonly userData: string }> {
  const set = (fields: Map<string, Value>): void => {
    fields.set('nonce', Buffer.from(nonce, 'hex'))
    fields.set('user_data', Buffer.from(userData, 'hex'))
  }
  const options = nitroOptions()
  const verdict = await verifyNitro(makeEvidence({ fields: set }), {
    ...options,
    relyingParty: { ...options.relyingParty, nonce, userData },
  })
  expect(verdict).toMatchObject({ status: 'accepted' })
  return { nonce: verdict.claims?.nonce ?? '', userData: verdict.claims?.userData ?? '' }
}

test('a GPU belongs to the enclave whose document carries the nonce', async () => {
  const { nonce, userData } = await enclave(NONCE, `${'0b'.repeat(20)}${NONCE}`)
  for (const [data, rule] of [
    [nonce, 'first-32'],
    [nonce, 'last-32'],
    [userData, 'last-32'],
  ] as const) {
    expect(await verifyNvidia(listOf(NONCE), bound(data, rule))).toMatchObject({ status: 'accepted' })
    expect(await verifyNvidia(makeBundle(), bound(data, rule))).toMatchObject({ status: 'accepted' })
    const verdict = await verifyNvidia(listOf('00'.repeat(32)), bound(data, rule))
    expect(verdict).toMatchObject({ status: 'rejected', code: 'VS_TEE_REPORT_DATA', check: 'cpu-binding' })
  }
})

test('by digest it belongs to everything that the document carries there', async () => {
  const { userData } = await enclave(NONCE, `${'0b'.repeat(20)}${NONCE}`)
  const list = listOf(nonceForCpu(userData, 'sha256'))
  expect(await verifyNvidia(list, bound(userData, 'sha256'))).toMatchObject({ status: 'accepted' })
  // The same nonce with another key.
  const other = await enclave(NONCE, `${'0c'.repeat(20)}${NONCE}`)
  expect(await verifyNvidia(list, bound(other.userData, 'sha256'))).toMatchObject({ check: 'cpu-binding' })
})

test('it is asked for beside the nonce', async () => {
  const { cpu } = bound(NONCE, 'first-32').relyingParty
  const options = {
    ...rest,
    relyingParty: { ...relyingParty, devices: 'any', ...(cpu === undefined ? {} : { cpu }) },
  } as const
  expect(await verifyNvidia(listOf(NONCE), options)).toMatchObject({ status: 'accepted' })
})

test('known answers, and data of other forms', async () => {
  // FIPS 180-4: "abc".
  expect(nonceForCpu('616263', 'sha256')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
  const data = `${'01'.repeat(32)}${'02'.repeat(32)}`
  expect(nonceForCpu(data, 'first-32')).toBe('01'.repeat(32))
  expect(nonceForCpu(data, 'last-32')).toBe('02'.repeat(32))
  const invalid = expect.objectContaining({ code: 'VS_TEE_INVALID_OPTION' })
  for (const [wrong, rule] of [
    ['', 'sha256'],
    ['0', 'sha256'],
    ['AB', 'sha256'],
    ['01'.repeat(31), 'first-32'],
    ['01'.repeat(31), 'last-32'],
    [data, 'middle' as CpuRule],
  ] as const) {
    expect(() => nonceForCpu(wrong, rule)).toThrow(invalid)
    await expect(verifyNvidia(listOf(NONCE), bound(wrong, rule))).rejects.toEqual(invalid)
  }
})

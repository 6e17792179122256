import type * as z from 'zod'
import type { Ledger } from '../ledger.ts'
import type { NvidiaCheck } from './checks.ts'
import type { NvidiaClaims, NvidiaDevice } from './claims.ts'
import { nonceForCpu } from './cpu.ts'
import type { nvidiaAppraisal, nvidiaRelyingParty } from './policy.ts'

export type Appraisal = z.output<typeof nvidiaAppraisal>
export type RelyingParty = z.output<typeof nvidiaRelyingParty>

/** Whether such devices are good enough. */
export function appraise(ledger: Ledger<NvidiaCheck>, claims: NvidiaClaims, policy: Appraisal): void {
  const { devices, token } = claims
  if (token !== undefined) {
    const failed = devices.find(({ nras }) => nras?.measurements !== 'success')
    ledger.note(
      'nras-result',
      token.result && failed === undefined,
      token.result ? failed && `${failed.name}: ${failed.nras?.measurements}` : 'the overall result is false',
    )
    noteEach(ledger, 'nras-claims', devices, ({ nras }) =>
      nras === undefined || nras.unproven.length > 0 ? `not so: ${nras?.unproven.slice(0, 4).join(', ')}` : undefined,
    )
    noteEach(ledger, 'secure-boot', devices, ({ nras }) =>
      nras?.secureBoot !== true || nras.debugStatus !== 'disabled'
        ? `secure boot ${nras?.secureBoot}, debugging ${nras?.debugStatus}`
        : undefined,
    )
    if (policy.tokens?.allowWarnings === true) ledger.skip('warnings', 'the policy allows warnings')
    else noteEach(ledger, 'warnings', devices, ({ nras }) => nras?.warning)
  } else measurements(ledger, devices, policy.reports?.measurements ?? [])

  if (policy.hardware === 'any') ledger.skip('hardware', 'the policy allows any model')
  else {
    const allowed = policy.hardware
    noteEach(ledger, 'hardware', devices, ({ hwModel }) =>
      isModel(hwModel, allowed) ? undefined : (hwModel ?? 'none'),
    )
  }
  versions(
    ledger,
    'drivers',
    devices.filter(({ kind }) => kind !== 'switch'),
    policy.drivers,
    10,
    (d) => d.driverVersion,
  )
  versions(ledger, 'vbios', devices, policy.vbios, 16, (d) => d.vbiosVersion)
}

/** Each device of which `fault` says something fails the check. */
function noteEach(
  ledger: Ledger<NvidiaCheck>,
  id: NvidiaCheck,
  devices: readonly NvidiaDevice[],
  fault: (device: NvidiaDevice) => string | undefined,
): void {
  const faults = devices.flatMap((device) => {
    const found = fault(device)
    return found === undefined ? [] : [`${device.name}: ${found}`]
  })
  ledger.note(id, faults.length === 0, faults[0])
}

/** By the whole name, or its first word. */
const isModel = (model: string | undefined, allowed: readonly string[]): boolean =>
  model !== undefined && (allowed.includes(model) || allowed.includes(model.split(' ')[0] ?? ''))

function measurements(
  ledger: Ledger<NvidiaCheck>,
  devices: readonly NvidiaDevice[],
  golden: NonNullable<Appraisal['reports']>['measurements'],
): void {
  if (golden === 'any') {
    ledger.skip('measurements', 'the policy allows any firmware')
    return
  }
  noteEach(ledger, 'measurements', devices, ({ hwModel, report }) => {
    const sets = golden.filter(({ hardware }) => hardware === undefined || isModel(hwModel, [hardware]))
    const faults = sets.map(({ values }) =>
      Object.entries(values).find(([index, allowed]) => !allowed.includes(report?.measurements[index] ?? 'absent')),
    )
    if (faults.includes(undefined)) return undefined
    const [index = ''] = faults[0] ?? []
    return sets.length === 0
      ? `no set for ${hwModel}`
      : `measurement ${index} is ${report?.measurements[index] ?? 'not in the report'}`
  })
}

function versions(
  ledger: Ledger<NvidiaCheck>,
  id: 'drivers' | 'vbios',
  devices: readonly NvidiaDevice[],
  allowed: Appraisal['drivers'],
  radix: number,
  versionOf: (device: NvidiaDevice) => string | undefined,
): void {
  if (allowed === 'any') ledger.skip(id, 'the policy allows any version')
  else if (devices.length === 0) ledger.skip(id, 'no device has one')
  else
    noteEach(ledger, id, devices, (device) => {
      const version = versionOf(device)
      if (version === undefined) return 'it does not say'
      const fits =
        'atLeast' in allowed
          ? allowed.atLeast.some((least) => notBelow(version, least, radix))
          : allowed.includes(version)
      return fits ? undefined : version
    })
}

/** Of the same branch, which the first number is, and not older. */
export function notBelow(version: string, least: string, radix: number): boolean {
  const digits = radix === 16 ? /^[0-9A-Fa-f]{1,6}$/ : /^\d{1,6}$/
  const numbers = (text: string): readonly number[] =>
    text.split('.').map((part) => (digits.test(part) ? Number.parseInt(part, radix) : Number.NaN))
  const [a, b] = [numbers(version), numbers(least)]
  if (a.some(Number.isNaN) || a[0] !== b[0]) return false
  for (let i = 1; i < Math.max(a.length, b.length); i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0)
    if (difference !== 0) return difference > 0
  }
  return true
}

/** Whether the evidence answers this relying party at `now` (Unix seconds). */
export function judgeAnswer(
  ledger: Ledger<NvidiaCheck>,
  claims: NvidiaClaims,
  policy: RelyingParty,
  now: bigint,
): void {
  const { nonce, devices, token } = claims
  if (policy.nonce === 'any') ledger.skip('nonce', 'the policy allows any nonce')
  else ledger.note('nonce', nonce === policy.nonce, `expected ${policy.nonce}, got ${nonce}`)

  if (policy.cpu === undefined) ledger.skip('cpu-binding', 'the policy does not ask for it')
  else {
    const expected = nonceForCpu(policy.cpu.data, policy.cpu.rule)
    ledger.note('cpu-binding', nonce === expected, `by ${policy.cpu.rule} expected ${expected}, got ${nonce}`)
  }

  if (token !== undefined) {
    if (policy.maxAgeSeconds === undefined) ledger.skip('age', 'the policy does not ask for it')
    else {
      const age = now - BigInt(token.issuedAt)
      ledger.note('age', age <= BigInt(policy.maxAgeSeconds), `issued ${age} s ago`)
    }
  }

  if (policy.devices === 'any') ledger.skip('devices', 'the policy allows any number of devices')
  else {
    const count = (wanted: string): number => devices.filter(({ kind }) => kind === wanted).length
    const [gpus, switches] = [count('gpu'), count('switch')]
    const { gpus: wantedGpus, switches: wantedSwitches } = policy.devices
    ledger.note('devices', gpus === wantedGpus && switches === wantedSwitches, `${gpus} GPUs and ${switches} switches`)
  }

  const allowed = policy.platforms
  if (allowed === 'any') ledger.skip('platform', 'the policy allows any platform')
  else
    noteEach(ledger, 'platform', devices, ({ platformId }) =>
      platformId !== undefined && allowed.includes(platformId) ? undefined : (platformId ?? 'it names no platform'),
    )
}

import type { PckExtensions } from './pck.ts'
import { SGX_EXTENSION } from './pck.ts'
import { level, moduleOf, qeIdentityOf, sgxLevel, tcbInfoOf, tdxLevel } from './platform.fixture.ts'
import type { SgxReport, TdReport } from './report.ts'
import { evaluateTcb, type TcbStatus } from './tcb.ts'
import { readQeIdentity, readTcbInfo } from './tcb-info.ts'

const pck = (svn: number, pceSvn = 13): PckExtensions => ({
  ppid: SGX_EXTENSION,
  components: Array.from({ length: 16 }, () => svn),
  pceSvn,
  cpuSvn: '',
  pceId: '',
  fmspc: '',
  sgxType: 'standard',
})
const td = (teeTcbSvn: string, teeTcbSvn2?: string) =>
  ({
    teeTcbSvn: teeTcbSvn.padEnd(32, '0'),
    ...(teeTcbSvn2 === undefined ? {} : { teeTcbSvn2: teeTcbSvn2.padEnd(32, '0') }),
  }) as TdReport
const qe = (isvSvn: number, ...levels: readonly object[]) => ({
  report: { isvSvn } as SgxReport,
  identity: readQeIdentity(JSON.stringify({ ...qeIdentityOf('TDX'), ...(levels.length > 0 && { tcbLevels: levels }) })),
})
const info = (tee: 'SGX' | 'TDX', change: object) => readTcbInfo(JSON.stringify({ ...tcbInfoOf(tee), ...change }))

const GOOD = qe(4)

test.each<[platform: string, qe: number, converged: TcbStatus]>([
  ['UpToDate', 4, 'UpToDate'],
  ['UpToDate', 3, 'OutOfDate'],
  ['UpToDate', 2, 'Revoked'],
  ['UpToDate', 1, 'TCBNotSupported'],
  ['SWHardeningNeeded', 4, 'SWHardeningNeeded'],
  ['SWHardeningNeeded', 3, 'OutOfDate'],
  ['ConfigurationNeeded', 4, 'ConfigurationNeeded'],
  ['ConfigurationNeeded', 3, 'OutOfDateConfigurationNeeded'],
  ['ConfigurationAndSWHardeningNeeded', 3, 'OutOfDateConfigurationNeeded'],
  ['OutOfDate', 4, 'OutOfDate'],
  ['OutOfDate', 3, 'OutOfDate'],
  ['OutOfDate', 2, 'Revoked'],
  ['OutOfDateConfigurationNeeded', 3, 'OutOfDateConfigurationNeeded'],
  ['Revoked', 4, 'Revoked'],
  ['Revoked', 3, 'Revoked'],
])('SGX: platform %s with a QE of version %d is %s', (platform, isvSvn, converged) => {
  const tcbInfo = info('SGX', { tcbLevels: [sgxLevel(platform, 5, 13)] })
  expect(evaluateTcb(pck(5), tcbInfo, undefined, qe(isvSvn)).converged).toBe(converged)
})

test.each<[platform: string, module: string, converged: TcbStatus]>([
  ['UpToDate', 'UpToDate', 'UpToDate'],
  ['UpToDate', 'OutOfDate', 'OutOfDate'],
  ['UpToDate', 'Revoked', 'Revoked'],
  ['SWHardeningNeeded', 'OutOfDate', 'OutOfDate'],
  ['ConfigurationNeeded', 'UpToDate', 'ConfigurationNeeded'],
  ['ConfigurationNeeded', 'OutOfDate', 'OutOfDateConfigurationNeeded'],
  ['ConfigurationAndSWHardeningNeeded', 'OutOfDate', 'OutOfDateConfigurationNeeded'],
  ['OutOfDate', 'UpToDate', 'OutOfDate'],
  ['OutOfDateConfigurationNeeded', 'OutOfDate', 'OutOfDateConfigurationNeeded'],
  ['Revoked', 'UpToDate', 'Revoked'],
])('TDX: platform %s with a module %s is %s', (platform, module, converged) => {
  const tcbInfo = info('TDX', {
    tcbLevels: [tdxLevel(platform, 5, [5, 0, 3])],
    tdxModuleIdentities: [moduleOf('TDX_01', level(module, { isvsvn: 4 }))],
  })
  expect(evaluateTcb(pck(5), tcbInfo, td('040103'), GOOD)).toMatchObject({ platform, module, converged })
})

describe('levels', () => {
  test('every component and the PCE count, and the first level that all of them reach is the one', () => {
    const tcbInfo = info('SGX', {
      tcbLevels: [sgxLevel('UpToDate', 5, 13), sgxLevel('SWHardeningNeeded', 5, 11), sgxLevel('OutOfDate', 3, 5)],
    })
    const status = (p: PckExtensions) => evaluateTcb(p, tcbInfo, undefined, GOOD).platform
    expect(status(pck(5))).toBe('UpToDate')
    expect(status(pck(9, 12))).toBe('SWHardeningNeeded')
    for (let i = 0; i < 16; i++)
      expect(status({ ...pck(5), components: pck(5).components.with(i, 4) })).toBe('OutOfDate')
    expect(status(pck(2))).toBe('TCBNotSupported')
    expect(status(pck(5, 4))).toBe('TCBNotSupported')
  })

  test('components 0 and 1 of TDX count only for a module without an identity of its own', () => {
    const tcbInfo = info('TDX', { tcbLevels: [tdxLevel('UpToDate', 5, [5, 0, 3])] })
    const status = (svn: string) => evaluateTcb(pck(5), tcbInfo, td(svn), GOOD).platform
    expect(status('050003')).toBe('UpToDate')
    expect(status('040003')).toBe('TCBNotSupported')
    expect(status('040103')).toBe('UpToDate')
    expect(status('040102')).toBe('TCBNotSupported')
  })

  test('the identity of a module is found by its version in hexadecimal, of either case', () => {
    const tcbInfo = info('TDX', { tdxModuleIdentities: [moduleOf('TDX_0a', level('UpToDate', { isvsvn: 1 }))] })
    expect(evaluateTcb(pck(5), tcbInfo, td('010a03'), GOOD).module).toBe('UpToDate')
    expect(evaluateTcb(pck(5), tcbInfo, td('010103'), GOOD)).toMatchObject({
      module: 'TCBNotSupported',
      converged: 'TCBNotSupported',
    })
  })

  test('a level that Intel revoked for the processor is revoked, whatever its TDX components reach below', () => {
    const tcbInfo = info('TDX', { tcbLevels: [tdxLevel('Revoked', 5, [9, 9, 9]), tdxLevel('UpToDate', 3, [1, 0, 1])] })
    expect(evaluateTcb(pck(5), tcbInfo, td('040103'), GOOD).converged).toBe('Revoked')
  })

  test('advisories are those of the matched levels of platform, module and quoting enclave', () => {
    expect(evaluateTcb(pck(4), info('TDX', {}), td('020102'), qe(3))).toMatchObject({
      converged: 'OutOfDate',
      advisories: ['INTEL-SA-00002', 'INTEL-SA-00003', 'INTEL-SA-00004'],
    })
  })
})

describe('relaunch', () => {
  // Launched below module SVN 2 of version 1, which is out of date; the module was updated since.
  const judge = (now: string | undefined, isvSvn = 4, platform = 'UpToDate', svn = '020103') =>
    evaluateTcb(
      pck(5),
      info('TDX', { tcbLevels: [tdxLevel(platform, 5, [5, 0, 3]), tdxLevel('OutOfDate', 5, [1, 0, 1])] }),
      td(svn, now),
      qe(isvSvn),
    ).converged

  test('helps where the module is now at its newest level, and all else is in order', () => {
    expect(judge(undefined)).toBe('OutOfDate')
    expect(judge('040103')).toBe('TDRelaunchAdvised')
    expect(judge('050003')).toBe('TDRelaunchAdvised')
    expect(judge('040103', 4, 'ConfigurationNeeded')).toBe('TDRelaunchAdvisedConfigurationNeeded')
    expect(judge('040103', 4, 'SWHardeningNeeded')).toBe('TDRelaunchAdvised')
  })

  test('does not help where module, microcode, processor or quoting enclave are old', () => {
    expect(judge('030103')).toBe('OutOfDate')
    expect(judge('040102')).toBe('OutOfDate')
    expect(judge('040003')).toBe('OutOfDate')
    expect(judge('040103', 3)).toBe('OutOfDate')
    expect(judge('040103', 2)).toBe('Revoked')
    expect(judge('040103', 4, 'OutOfDate')).toBe('OutOfDate')
  })

  test('is nothing to advise where the module that was launched is up to date', () => {
    expect(judge('040103', 4, 'UpToDate', '040103')).toBe('UpToDate')
  })

  test('to a module that Intel does not list is no way', () => expect(judge('040903')).toBe('TCBNotSupported'))
})

describe('a component of a level', () => {
  const read = (tee: 'SGX' | 'TDX', list: 'sgxtcbcomponents' | 'tdxtcbcomponents', component: unknown) => {
    const info = tcbInfoOf(tee)
    const text = JSON.stringify(info, (name, value: unknown) =>
      name === list && Array.isArray(value) ? value.with(15, component) : value,
    )
    return readTcbInfo(text)
  }

  test.each([{ svn: 0 }, { svn: 255 }, { svn: 7, category: 'BIOS', type: 'Early Microcode Update' }])(
    '%j',
    (component) => {
      const [first] = read('SGX', 'sgxtcbcomponents', component).tcbLevels
      expect(first?.tcb.sgxtcbcomponents[15]).toBe(component.svn)
      expect(read('TDX', 'tdxtcbcomponents', component).id).toBe('TDX')
    },
  )

  test.each([
    null,
    5,
    [5],
    {},
    { svn: '5' },
    { svn: -1 },
    { svn: 256 },
    { svn: 1.5 },
    { category: 'BIOS' },
    { svn: 5, category: 5 },
    { svn: 5, type: 'x'.repeat(129) },
    { svn: 5, SVN: 4 },
  ])('is not %j', (component) => {
    for (const [tee, list] of [
      ['SGX', 'sgxtcbcomponents'],
      ['TDX', 'sgxtcbcomponents'],
      ['TDX', 'tdxtcbcomponents'],
    ] as const)
      expect(() => read(tee, list, component)).toThrow(
        expect.objectContaining({ code: 'VS_TEE_MALFORMED', detail: expect.stringContaining('16 components') }),
      )
  })
})

describe('a date', () => {
  const issued = (issueDate: string) => info('TDX', { issueDate }).issueDate

  test.each([
    ['2024-02-29T23:59:59Z', 1_709_251_199n],
    ['2025-12-31T00:00:00Z', 1_767_139_200n],
    ['1970-01-01T00:00:00Z', 0n],
  ])('%s', (text, seconds) => expect(issued(text)).toBe(seconds))

  test.each([
    '2023-02-29T00:00:00Z',
    '2025-04-31T00:00:00Z',
    '2025-00-10T00:00:00Z',
    '2025-13-01T00:00:00Z',
    '2025-01-00T00:00:00Z',
    '2025-01-32T00:00:00Z',
    '2025-01-01T24:00:00Z',
    '2025-01-01T00:60:00Z',
    '2025-01-01T00:00:60Z',
    '2025-01-01T00:00:00.000Z',
    '2025-01-01T00:00:00+00:00',
    '2025-01-01T00:00:00z',
    '2025-01-01T00:00:00Z\n',
    '2025-01-01',
    '',
  ])('is not %j', (text) => expect(() => issued(text)).toThrow(expect.objectContaining({ code: 'VS_TEE_MALFORMED' })))
})

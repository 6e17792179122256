import { commands } from './index.ts'

const run = async (...args: readonly string[]) => {
  const out: string[] = []
  const tee = commands.find(({ name }) => name === 'tee')
  const status = await tee?.run(args, {
    out: (text) => void out.push(text),
    err: () => undefined,
    cwd: '/',
    signal: new AbortController().signal,
    isTerminal: false,
  })
  return { status, out: out.join(''), usage: tee?.usage }
}

test('alone it tells every command, and how it is called', async () => {
  const { status, out, usage } = await run()
  expect(status).toBe(0)
  expect(out).toBe(`${usage}\n`)
  for (const name of ['fetch', 'inspect', 'verify']) {
    expect(out).toMatch(new RegExp(`^ {2}tee ${name} +\\w`, 'm'))
    expect(out).toMatch(new RegExp(`^ {2}veristack tee ${name} FILE `, 'm'))
  }
})

test('what collateral may be is told for every vendor', () => {
  const usage = commands.find(({ name }) => name === 'tee verify')?.usage ?? ''
  const help = /\n--collateral C([\s\S]*?)\n--/.exec(usage)?.[1] ?? ''
  for (const vendor of ['Intel', 'AMD', 'NVIDIA', 'Nitro']) expect(help).toContain(vendor)
  for (const field of ['tcb_info', 'vek', 'keySet', 'ocsp', 'crls']) expect(help).toContain(field)
})

test('usage fits a terminal', () => {
  for (const { usage, summary } of commands) {
    for (const line of usage.split('\n')) expect([...line].length).toBeLessThanOrEqual(130)
    expect(summary.length).toBeLessThanOrEqual(80)
  }
})

test('an unknown command is named, unless it may be a secret', async () => {
  await expect(run('judge')).rejects.toMatchObject({
    code: 'VS_TEE_INVALID_OPTION',
    details: { field: 'tee COMMAND', expected: 'fetch, inspect, verify', got: 'judge' },
  })
  await expect(run('hunter2')).rejects.toMatchObject({ details: { got: 'something else' } })
})

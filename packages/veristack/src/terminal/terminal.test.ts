import { fail } from '@veristack/core'
import { errorLine } from './line.ts'
import { progressLine } from './progress.ts'

describe('errorLine', () => {
  test('is one line with the facts and the code, and goes to the root of wrapped errors', () => {
    const root = fail('VS_CORE_BLOB_MISSING', { details: { digest: '0x12' } })
    const line = errorLine(fail('VS_CORE_JOB_FAILED', { cause: fail('VS_CORE_PLUGIN_FAILED', { cause: root }) }))
    expect(line).toMatch(/^A blob is not in the store; digest: 0x12; .*\[VS_CORE_BLOB_MISSING\]$/)
    expect(line).not.toContain('\n')
  })

  test('other errors lose their stack', () => {
    const error = new Error('no\n  such thing')
    expect(errorLine(error)).toBe('no such thing')
    expect(errorLine('text')).toBe('text')
  })
})

describe('progressLine', () => {
  beforeEach(() => jest.useFakeTimers())
  afterEach(() => jest.useRealTimers())

  const drawn = (isTerminal: boolean) => {
    const texts: string[] = []
    return { line: progressLine({ isTerminal, err: (text) => void texts.push(text) }), texts }
  }

  test('redraws one line of a terminal and removes it', () => {
    const { line, texts } = drawn(true)
    line.show({ stage: 'proving', done: 1, total: 2 })
    line.clear()
    line.clear()
    expect(texts).toHaveLength(2)
    expect(texts[0]).toContain('50 %')
    expect(texts.join('')).not.toContain('\n')
  })

  test('in a log, tells what takes long, and nothing that is over soon', () => {
    const { line, texts } = drawn(false)
    line.show({ stage: 'escrow', done: 0 })
    line.clear()
    jest.advanceTimersByTime(5000)
    expect(texts).toEqual([])
    line.show({ stage: 'setup', done: 1, total: 10 })
    jest.advanceTimersByTime(1000)
    line.show({ stage: 'setup', done: 9, total: 10 })
    line.show({ stage: 'proving', done: 0 })
    jest.advanceTimersByTime(1000)
    line.clear()
    jest.advanceTimersByTime(5000)
    expect(texts).toEqual(['  setup  10 %\n', '  proving\n'])
  })

  test('in a log, says nothing twice', () => {
    const { line, texts } = drawn(false)
    line.show({ stage: 'waiting', done: 0 })
    jest.advanceTimersByTime(30_000)
    line.show({ stage: 'waiting', done: 0 })
    jest.advanceTimersByTime(30_000)
    line.show({ stage: 'proving', done: 0 })
    jest.advanceTimersByTime(5000)
    expect(texts).toEqual(['  waiting\n', '  proving\n'])
  })
})

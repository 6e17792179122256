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
  const drawn = (isTerminal: boolean) => {
    const texts: string[] = []
    let now = 0
    const line = progressLine({ isTerminal, err: (text) => void texts.push(text) }, () => now)
    return {
      line,
      texts,
      later: (ms: number) => {
        now += ms
      },
    }
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

  test('in a log, writes each stage once and then now and again', () => {
    const { line, texts, later } = drawn(false)
    line.show({ stage: 'setup', done: 0, total: 10 })
    line.show({ stage: 'setup', done: 1, total: 10 })
    later(2000)
    line.show({ stage: 'setup', done: 2, total: 10 })
    line.show({ stage: 'proving', done: 0 })
    expect(texts).toEqual(['  setup   0 %\n', '  setup  20 %\n', '  proving\n'])
  })
})

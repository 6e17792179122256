import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { commands } from './index.ts'

export interface Ran {
  readonly status: number
  readonly out: string
  readonly err: string
  /** What it threw. */
  readonly error: unknown
}

/** Runs `veristack tee …` in a folder. Never rejects. */
export async function runTee(folder: string, ...argv: readonly string[]): Promise<Ran> {
  const [name, ...args] = argv
  const [out, err]: [string[], string[]] = [[], []]
  let status = 1
  let error: unknown
  try {
    const command = commands.find((c) => c.name === `tee ${name}`)
    if (command === undefined) throw new Error(`no command tee ${name}`)
    status = await command.run(args, {
      out: (text) => void out.push(text),
      err: (text) => void err.push(text),
      cwd: folder,
      signal: new AbortController().signal,
      isTerminal: false,
    })
  } catch (thrown) {
    error = thrown
  }
  return { status, out: out.join(''), err: err.join(''), error }
}

/** A folder with files in it, for one test. */
export async function inFolder<T>(
  files: Readonly<Record<string, Uint8Array | string | object>>,
  work: (folder: string) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'veristack-tee-'))
  try {
    for (const [name, content] of Object.entries(files)) {
      const isData = typeof content === 'string' || content instanceof Uint8Array
      await writeFile(join(folder, name), isData ? content : JSON.stringify(content))
    }
    return await work(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Fits a terminal, and moves nothing in it. */
export function expectPlain(text: string): void {
  for (const line of text.split('\n')) {
    expect([...line].length).toBeLessThanOrEqual(100)
    expect(line).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u)
  }
}

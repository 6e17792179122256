import { type ChildProcess, spawn } from 'node:child_process'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'

const root = resolve(__dirname, '../..')

/** One line of a node's output. */
export interface Said {
  readonly type: string
  readonly request?: string
  readonly reason?: string
  readonly message?: string
  readonly code?: string
  readonly settlement?: { readonly state: string }
  readonly programs?: readonly {
    readonly verifiers: readonly { readonly verifier: string; readonly codeHash: string; readonly params: string }[]
  }[]
}

/** A process of the help desk's, started from its sources. */
export interface Process {
  readonly child: ChildProcess
  /** The first line for which this is so, said before or after now. Rejects where the process ends without it. */
  said(wanted: (line: Said) => boolean): Promise<Said>
  readonly lines: readonly Said[]
  /** Its exit code, when it has ended. */
  readonly ended: Promise<number | null>
  /** Lets it end by itself. */
  close(): Promise<void>
  /** As a machine that loses its power. */
  kill(): Promise<void>
}

export function startProcess(script: string, env: Readonly<Record<string, string>>): Process {
  const args = ['--conditions=@veristack/source', '--import', 'tsx', join('examples/help-desk/scripts', script)]
  const child = spawn(process.execPath, args, {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  const lines: Said[] = []
  let errors = ''
  const waiting = new Set<() => void>()
  const wake = (): void => {
    for (const look of waiting) look()
  }
  child.stderr?.on('data', (chunk: Buffer) => {
    errors = (errors + chunk.toString()).slice(-8000)
  })
  createInterface({ input: child.stdout ?? process.stdin }).on('line', (text) => {
    if (!text.startsWith('{')) return
    lines.push(JSON.parse(text) as Said)
    wake()
  })
  let over = false
  const ended = new Promise<number | null>((done) =>
    child.once('close', (code) => {
      over = true
      wake()
      done(code)
    }),
  )
  return {
    child,
    lines,
    ended,
    said: (wanted) =>
      new Promise((found, refuse) => {
        const look = (): void => {
          const line = lines.find(wanted)
          if (line === undefined && !over) return
          waiting.delete(look)
          if (line !== undefined) found(line)
          else
            refuse(new Error(`ended without saying it: ${lines.map((l) => JSON.stringify(l)).join('\n')}\n${errors}`))
        }
        waiting.add(look)
        look()
      }),
    close: async () => {
      child.stdin?.end()
      await ended
    },
    kill: async () => {
      child.kill('SIGKILL')
      await ended
    },
  }
}

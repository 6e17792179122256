import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

/** Real documents; they lie beside the project, not in it. Tests and benchmarks run in the project's root. */
export const FOLDER = resolve('../shared/vectors/tee/nitro')
export const present = existsSync(FOLDER)
export const read = (file: string): Uint8Array => new Uint8Array(readFileSync(join(FOLDER, file)))

export interface Entry {
  readonly file: string
  readonly kind: string
  readonly expect?: string
  readonly negative_or_note?: string
  readonly observed?: {
    readonly ts?: string
    readonly module?: string
    readonly err?: string
    readonly debug?: boolean
    readonly pcr0?: string
    readonly npcr?: number
    readonly n?: number
  }
}

export const documents: readonly Entry[] = present
  ? (JSON.parse(readFileSync(join(FOLDER, 'index.json'), 'utf8')) as Entry[]).filter(({ kind }) => kind === 'nitro-doc')
  : []

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Real evidence; it lies beside the project, not in it. */
export const FOLDER = join(__dirname, '../../../../../shared/vectors/tee/nvidia')
export const present = existsSync(join(FOLDER, 'index.json'))
export const read = (file: string): Uint8Array => new Uint8Array(readFileSync(join(FOLDER, file)))
export const readText = (file: string): string => readFileSync(join(FOLDER, file), 'utf8')

interface Entry {
  readonly file: string
  readonly kind: string
  readonly negative_or_note?: string
}

export const entries: readonly Entry[] = present ? JSON.parse(readText('index.json')) : []

/** The chain that belongs to a report in hexadecimal: it lies beside it, by its name. */
export const chainOf = (file: string): string | undefined => {
  const name = file.replace('AttestationReport', 'CertChain')
  return name !== file && entries.some((entry) => entry.file === name) ? readText(name) : undefined
}

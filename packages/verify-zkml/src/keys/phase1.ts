import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open, readFile } from 'node:fs/promises'
import { fail } from '../errors.ts'
import { Q, readLittleEndian } from '../r1cs/index.ts'
import { ptauSections } from './ptau-format.ts'
import { PUBLISHED_PTAU } from './published.ts'

/** Smaller files are read once, so that what was checked is what is used. */
const IN_MEMORY = 512 * 1024 * 1024
const MAX_SECTIONS = 64

/** Phase 1 that was checked. */
export interface Phase1 {
  readonly power: number
  /** The bytes, or for a large file its path. */
  readonly source: Uint8Array | string
  /** Throws where a large file changed since it was checked. */
  recheck(): Promise<void>
}

const refuse = (path: string, expected: string, got: string) =>
  fail('VS_ZKML_PTAU_REFUSED', { details: { file: path, expected, got } })

/**
 * A ceremony's prepared phase 1 from a file. `blake2b` is the hash that the ceremony published (64 bytes, hexadecimal);
 * left out, the file must be one of {@link PUBLISHED_PTAU}. Throws `VS_ZKML_PTAU_REFUSED`.
 */
export async function ceremonyPhase1(path: string, blake2b: string | undefined, leastPower: number): Promise<Phase1> {
  const expected = blake2b === undefined ? Object.values(PUBLISHED_PTAU) : [blake2b.replace(/^0x/, '').toLowerCase()]
  if (!expected.every((h) => /^[0-9a-f]{128}$/.test(h))) {
    throw fail('VS_ZKML_INVALID_OPTION', {
      details: { field: 'keys.blake2b', expected: '64 bytes, hexadecimal', got: blake2b },
    })
  }
  const { size, head } = await readHead(path)
  const bytes = size <= IN_MEMORY ? new Uint8Array(await readFile(path)) : undefined
  const hash = bytes === undefined ? await hashFile(path) : createHash('blake2b512').update(bytes).digest('hex')
  if (!expected.includes(hash))
    throw refuse(path, blake2b === undefined ? 'a file whose published hash is known' : expected.join(), hash)
  const power = checkStructure(path, head, size)
  if (power < leastPower) throw refuse(path, `power ${leastPower} or more`, `power ${power}`)
  return {
    power,
    source: bytes ?? path,
    async recheck() {
      if (bytes === undefined && (await hashFile(path)) !== hash)
        throw refuse(path, 'an unchanged file', 'it changed while it was used')
    },
  }
}

interface Head {
  readonly sections: ReadonlyMap<number, number>
  readonly power: number
  readonly prime: bigint
}

async function readHead(path: string): Promise<{ readonly size: number; readonly head: Head }> {
  const file = await open(path, 'r').catch((cause: unknown) => {
    throw fail('VS_ZKML_PTAU_REFUSED', { details: { file: path, expected: 'a file that can be read' }, cause })
  })
  try {
    const { size } = await file.stat()
    const at = async (position: number, length: number): Promise<DataView> => {
      const buffer = new Uint8Array(length)
      const { bytesRead } = await file.read(buffer, 0, length, position)
      if (bytesRead !== length) throw refuse(path, 'a whole ptau file', 'it is cut off')
      return new DataView(buffer.buffer)
    }
    const start = await at(0, 12)
    if (start.getUint32(0) !== 0x70746175 || start.getUint32(4, true) !== 1)
      throw refuse(path, 'a ptau file, version 1', 'another file')
    const count = start.getUint32(8, true)
    if (count > MAX_SECTIONS) throw refuse(path, `at most ${MAX_SECTIONS} sections`, String(count))
    const sections = new Map<number, number>()
    let position = 12
    let header: DataView | undefined
    for (let i = 0; i < count; i++) {
      const section = await at(position, 12)
      const [id, length] = [section.getUint32(0, true), Number(section.getBigUint64(4, true))]
      if (sections.has(id)) throw refuse(path, 'each section once', `section ${id} twice`)
      sections.set(id, length)
      if (id === 1 && length === 44) header = await at(position + 12, 44)
      position += 12 + length
    }
    if (position !== size) throw refuse(path, `${position} bytes`, `${size}`)
    if (header === undefined) throw refuse(path, 'a header', 'none')
    return { size, head: { sections, power: header.getUint32(36, true), prime: readLittleEndian(header, 4) } }
  } finally {
    await file.close()
  }
}

function checkStructure(path: string, { sections, power, prime }: Head, size: number): number {
  if (prime !== Q) throw refuse(path, 'the curve BN254', 'another curve')
  if (power < 1 || power > 28) throw refuse(path, 'a power of 1 to 28', String(power))
  for (const { id, bytes } of ptauSections(power)) {
    const got = sections.get(id)
    if (got !== bytes)
      throw refuse(
        path,
        `${bytes} bytes in section ${id}${id >= 12 ? ' (prepared for phase 2)' : ''}`,
        String(got ?? 'no such section'),
      )
  }
  if (!sections.has(7)) throw refuse(path, 'the contributions of the ceremony', `none in ${size} bytes`)
  return power
}

function hashFile(path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const hash = createHash('blake2b512')
    createReadStream(path, { highWaterMark: 1 << 20 })
      .on('data', (chunk) => hash.update(chunk))
      .on('error', reject)
      .on('end', () => resolve(hash.digest('hex')))
  })
}

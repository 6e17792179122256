import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open, readFile } from 'node:fs/promises'
import { fail } from '../errors.ts'
import { Q, readLittleEndian } from '../r1cs/index.ts'
import { G1_BYTES, G2_BYTES, ptauSections } from './ptau-format.ts'
import { PUBLISHED_PTAU } from './published.ts'

/** Smaller files are read once, so that what was checked is what is used. */
const IN_MEMORY = 512 * 1024 * 1024
const MAX_SECTIONS = 64
const MAX_CONTRIBUTIONS_BYTES = 16 * 1024 * 1024
/** Type of a contribution of secret entropy; a beacon has another. */
const CONTRIBUTION = 0
/** Points after it (3 G1, 2 G2), its key (6 G1, 3 G2), partial hash, next challenge; then type and parameter length. */
const CONTRIBUTION_BYTES = 9 * G1_BYTES + 5 * G2_BYTES + 216 + 64 + 4 + 4

/** Phase 1 that was checked. */
export interface Phase1 {
  readonly power: number
  /** BLAKE2b-512, hexadecimal; `development` for one that this machine made. */
  readonly hash: string
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
  const power = checkStructure(path, head)
  if (power < leastPower) throw refuse(path, `power ${leastPower} or more`, `power ${power}`)
  return {
    power,
    hash,
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
  /** Section 7; undefined where there is none. */
  readonly contributions: DataView | undefined
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
    let contributions: DataView | undefined
    for (let i = 0; i < count; i++) {
      const section = await at(position, 12)
      const [id, length] = [section.getUint32(0, true), Number(section.getBigUint64(4, true))]
      if (sections.has(id)) throw refuse(path, 'each section once', `section ${id} twice`)
      sections.set(id, length)
      if (id === 1 && length === 44) header = await at(position + 12, 44)
      if (id === 7) {
        if (length > MAX_CONTRIBUTIONS_BYTES)
          throw refuse(path, `at most ${MAX_CONTRIBUTIONS_BYTES} bytes of contributions`, String(length))
        contributions = await at(position + 12, length)
      }
      position += 12 + length
    }
    if (position !== size) throw refuse(path, `${position} bytes`, `${size}`)
    if (header === undefined) throw refuse(path, 'a header', 'none')
    const [prime, power] = [readLittleEndian(header, 4), header.getUint32(36, true)]
    return { size, head: { sections, power, prime, contributions } }
  } finally {
    await file.close()
  }
}

function checkStructure(path: string, { sections, power, prime, contributions }: Head): number {
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
  const types = contributions === undefined ? [] : contributionTypes(path, contributions)
  // A beacon is computable by everybody: without a secret before it, anyone knows what tau is.
  if (types[0] !== CONTRIBUTION)
    throw refuse(path, 'a contribution of secret entropy', types.length === 0 ? 'no contribution' : 'a beacon first')
  return power
}

/** Who took part, in order. Throws where the section is not exactly what its count says. */
function contributionTypes(path: string, view: DataView): readonly number[] {
  const malformed = () => refuse(path, 'well-formed contributions', `${view.byteLength} other bytes`)
  if (view.byteLength < 4) throw malformed()
  const types: number[] = []
  let position = 4
  for (let left = view.getUint32(0, true); left > 0; left--) {
    if (position + CONTRIBUTION_BYTES > view.byteLength) throw malformed()
    types.push(view.getUint32(position + CONTRIBUTION_BYTES - 8, true))
    position += CONTRIBUTION_BYTES + view.getUint32(position + CONTRIBUTION_BYTES - 4, true)
  }
  if (position !== view.byteLength) throw malformed()
  return types
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

import { keccak_256 } from '@noble/hashes/sha3.js'
import { type ProgramId, toHex } from '@veristack/core/receipt'
import { Writer } from './bytes.ts'
import { checkProgram } from './check.ts'
import { writeHeader, writeNode } from './encode.ts'
import type { IntegerProgram } from './program.ts'
import { merkleRoot, weightsDigest } from './weights-digest.ts'

const LEAF = 0
const BRANCH = 1

/**
 * The Merkle root (keccak256) over the header and every node, in order. A leaf is hashed as 0 ‖ index (u32) ‖ content, a
 * branch as 1 ‖ left ‖ right; 32 zero bytes fill up to a power of two. Integers are big-endian, as a contract reads them.
 * The header holds the number of nodes. A program must not be changed after it was made: its digests are remembered.
 */
export const programId = (program: IntegerProgram): ProgramId =>
  toHex(merkleRoot(programLeaves(program).map(hashLeaf), BRANCH)) as ProgramId

/** What the id is made of: the header, then one entry per node with {@link weightsDigest} in place of its weights. */
export function programLeaves(program: IntegerProgram): Uint8Array[] {
  checkProgram(program)
  const header = new Writer()
  writeHeader(program, header)
  const nodes = program.nodes.map((node) => {
    const leaf = new Writer()
    writeNode(node, leaf, (weights, order) => leaf.raw(weightsDigest(weights, order)))
    return leaf.take()
  })
  return [header.take(), ...nodes]
}

function hashLeaf(content: Uint8Array, index: number): Uint8Array {
  const writer = new Writer()
  writer.u8(LEAF)
  writer.u32(index)
  writer.raw(content)
  return keccak_256(writer.take())
}

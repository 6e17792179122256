import { keccak_256 } from '@noble/hashes/sha3.js'
import { type ProgramId, toHex } from '@veristack/core/receipt'
import { Writer } from './bytes.ts'
import { checkProgram } from './check.ts'
import { writeHeader, writeNode } from './encode.ts'
import type { IntegerProgram } from './program.ts'

const LEAF = 0
const BRANCH = 1
const PADDING = new Uint8Array(32)

/**
 * The Merkle root (keccak256) over the header and every node, in order. A leaf is hashed as 0 ‖ index (u32) ‖ content, a
 * branch as 1 ‖ left ‖ right; 32 zero bytes fill up to a power of two. The header holds the number of nodes.
 */
export function programId(program: IntegerProgram): ProgramId {
  let row = programLeaves(program).map((content, index) => hashLeaf(content, index))
  while (row.length & (row.length - 1)) row.push(PADDING)
  while (row.length > 1) {
    row = Array.from({ length: row.length / 2 }, (_, i) => hashBranch(row[2 * i] ?? PADDING, row[2 * i + 1] ?? PADDING))
  }
  return toHex(row[0] ?? PADDING) as ProgramId
}

/** What the id is made of: the header, then one entry per node with keccak256 digests in place of its weights. */
export function programLeaves(program: IntegerProgram): Uint8Array[] {
  checkProgram(program)
  const header = new Writer()
  writeHeader(program, header)
  const nodes = program.nodes.map((node) => {
    const leaf = new Writer()
    writeNode(node, leaf, (weights) => {
      const content = new Writer()
      content.weights(weights)
      leaf.raw(keccak_256(content.take()))
    })
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

function hashBranch(left: Uint8Array, right: Uint8Array): Uint8Array {
  return keccak_256(Uint8Array.of(BRANCH, ...left, ...right))
}

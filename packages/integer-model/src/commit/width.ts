import { fail } from '../errors.ts'
import type { Range } from '../program/program.ts'

/** How many bits an element of a value takes: plain binary, or two's complement where `signed`. */
export interface Width {
  /** 1 to 64. */
  readonly width: number
  readonly signed: boolean
}

/** The least width that holds every element inside the range: unsigned where `lo >= 0`. At least 1. */
export function widthOf(range: Range): Width {
  if (range.lo > range.hi) {
    throw fail('VS_MODEL_INVALID_COMMITMENT', {
      details: { field: 'range', expected: 'lo <= hi', got: `${range.lo}..${range.hi}` },
    })
  }
  if (range.lo >= 0n) return checked(Math.max(1, bitLength(range.hi)), false)
  // -2^(w-1) <= lo and hi < 2^(w-1); the bits of -lo - 1 are those of lo's complement.
  return checked(Math.max(bitLength(-range.lo - 1n), bitLength(range.hi > 0n ? range.hi : 0n)) + 1, true)
}

const bitLength = (n: bigint): number => (n === 0n ? 0 : n.toString(2).length)

function checked(width: number, signed: boolean): Width {
  if (width > 64) {
    throw fail('VS_MODEL_INVALID_COMMITMENT', { details: { field: 'range', expected: 'at most 64 bits', got: width } })
  }
  return { width, signed }
}

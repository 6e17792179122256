import { sha384 } from '@noble/hashes/sha2.js'
import { bytesToHex, concatBytes, hexToBytes } from '@noble/hashes/utils.js'

/** One extension of a runtime measurement register: RTMR 0 to 3, by a SHA-384 digest in lower-case hexadecimal. */
export interface MeasuredEvent {
  readonly imr: number
  readonly digest: string
}

export type Rtmrs = readonly [string, string, string, string]

const ZERO = '00'.repeat(48)

/** What the registers hold after the events, in their order: each is SHA-384(register || digest), from zero. */
export function replayEventLog(events: readonly MeasuredEvent[]): Rtmrs {
  const registers: [string, string, string, string] = [ZERO, ZERO, ZERO, ZERO]
  for (const { imr, digest } of events) {
    const register = registers[imr]
    if (register === undefined || !/^[0-9a-f]{96}$/.test(digest)) throw new RangeError(`no event: ${imr}, ${digest}`)
    registers[imr] = bytesToHex(sha384(concatBytes(hexToBytes(register), hexToBytes(digest))))
  }
  return registers
}

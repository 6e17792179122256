import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js'
import { invalidOption, shown } from '../policy/index.ts'
import { type CpuRule, cpuRule } from './policy.ts'

const NONCE_BYTES = 32

/**
 * The nonce that GPUs have to be asked with, so that they belong to the CPU evidence that carries `data` (hexadecimal:
 * report data of TDX and SEV-SNP, nonce or user data of Nitro). `sha256`, of all of it, binds them to everything that the CPU
 * vouches for in it; `first-32` and `last-32` to a nonce that lies there. Throws `VS_TEE_INVALID_OPTION`.
 */
export function nonceForCpu(data: string, rule: CpuRule): string {
  const known = cpuRule.safeParse(rule)
  if (!known.success) throw invalidOption('rule', cpuRule.options.map(shown).join(' or '), shown(rule))
  if (!/^(?:[0-9a-f]{2})+$/.test(data)) throw invalidOption('data', 'bytes in lower-case hexadecimal', shown(data))
  const bytes = hexToBytes(data)
  if (rule === 'sha256') return bytesToHex(sha256(bytes))
  if (bytes.length < NONCE_BYTES) throw invalidOption('data', `at least ${NONCE_BYTES} bytes`, `${bytes.length}`)
  return bytesToHex(rule === 'first-32' ? bytes.subarray(0, NONCE_BYTES) : bytes.subarray(-NONCE_BYTES))
}

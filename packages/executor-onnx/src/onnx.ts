import { createHash } from 'node:crypto'
import {
  type Blobs,
  type Digest,
  type Executor,
  fromHex,
  keccak,
  keccakText,
  type Plugin,
  type Program,
  type ProgramId,
  toHex,
} from '@veristack/core'
import { fail } from './errors.ts'
import { loadFloatProgram } from './float-program.ts'
import { loadIntegerProgram } from './integer-program.ts'
import { LeaseCache } from './lease.ts'
import type { LoadedProgram } from './loaded.ts'
import { type OpenSession, openSession } from './session.ts'

export interface OnnxOptions {
  /** How often an integer program's result is compared with the interpreter: run 1, then one in `every`. Default 16; 1: always. */
  readonly canonCheck?: { readonly every: number }
  /** Programs that are kept loaded. Default 8. */
  readonly maxPrograms?: number
  /** Bytes of a program. Default 256 MiB. */
  readonly maxProgramBytes?: number
  /** Bytes of all inputs of one run together. Default 64 MiB. */
  readonly maxInputBytes?: number
}

/** {@link OnnxOptions} with nothing left open. */
export type Limits = Required<Omit<OnnxOptions, 'canonCheck'>> & { readonly checkEvery: number }

const MIB = 1024 * 1024

/** The executor plugin for `integer/v1` and `onnx-float/v1`. onnxruntime-node is loaded by the first execution. */
export function onnx(options: OnnxOptions = {}): Plugin {
  const limits: Limits = {
    checkEvery: positive('canonCheck.every', options.canonCheck?.every ?? 16),
    maxPrograms: positive('maxPrograms', options.maxPrograms ?? 8),
    maxProgramBytes: positive('maxProgramBytes', options.maxProgramBytes ?? 256 * MIB),
    maxInputBytes: positive('maxInputBytes', options.maxInputBytes ?? 64 * MIB),
  }
  const stops: (() => Promise<void>)[] = []
  return {
    specificationVersion: 'v1',
    name: '@veristack/executor-onnx',
    version: '0.1.0',
    provides: ['executor'],
    register(host) {
      host.provide('executor', (inner) => {
        const { executor, stop } = createExecutor(inner.use('blobs'), limits, openSession)
        stops.push(stop)
        return executor
      })
    },
    async stop() {
      for (const stop of stops.splice(0)) await stop()
    },
  }
}

/** `open` is a parameter so that a runtime that errs can be put in its place. */
export function createExecutor(
  blobs: Blobs,
  limits: Limits,
  open: OpenSession,
): { readonly executor: Executor; stop(): Promise<void> } {
  const programs = new LeaseCache<LoadedProgram>(limits.maxPrograms)
  let stopped = false
  const use = <T>(program: Program, signal: AbortSignal, work: (loaded: LoadedProgram) => Promise<T>): Promise<T> => {
    if (stopped) throw fail('VS_ONNX_STOPPED')
    signal.throwIfAborted()
    const key = `${program.semantics} ${program.id} ${program.blob.digest}`
    return programs.use(key, () => load(program, blobs, limits, open), work)
  }
  const executor: Executor = {
    semantics: ['integer/v1', 'onnx-float/v1'],
    attaches: [],
    async prepare(program, inputs, { signal }) {
      checkInputBytes(inputs, limits.maxInputBytes)
      return use(program, signal, async (loaded) => loaded.prepare(inputs))
    },
    async execute({ node, program, inputs }, { signal }) {
      checkInputBytes(inputs, limits.maxInputBytes)
      const outputs = await use(program, signal, (loaded) => loaded.run(inputs, signal))
      signal.throwIfAborted()
      return { executor: node, outputs, attachments: {} }
    },
  }
  return {
    executor,
    async stop() {
      stopped = true
      await programs.clear()
    },
  }
}

// Not cancelled by one caller's signal: others may be waiting for the same program.
async function load(
  { id, semantics, blob }: Program,
  blobs: Blobs,
  limits: Limits,
  open: OpenSession,
): Promise<LoadedProgram> {
  if (semantics !== 'integer/v1' && semantics !== 'onnx-float/v1') {
    throw fail('VS_ONNX_UNSUPPORTED_SEMANTICS', {
      details: { field: 'program.semantics', expected: 'integer/v1 | onnx-float/v1', got: semantics },
    })
  }
  const maxBytes = limits.maxProgramBytes
  if (blob.bytes > maxBytes)
    throw fail('VS_ONNX_TOO_LARGE', { details: { field: 'program.blob', limit: maxBytes, got: blob.bytes } })
  const bytes = await blobs.get(blob)
  // The store promises this; what is run does not depend on a promise.
  const digest = sha256(bytes)
  if (digest !== blob.digest) {
    throw fail('VS_ONNX_PROGRAM_MISMATCH', {
      details: { field: 'program.blob.digest', expected: blob.digest, got: digest },
    })
  }
  if (semantics === 'integer/v1')
    return loadIntegerProgram(bytes, id, open, { checkEvery: limits.checkEvery, maxBytes })
  const own = floatIdOf(digest)
  if (own !== id) throw fail('VS_ONNX_PROGRAM_MISMATCH', { details: { field: 'program.id', expected: id, got: own } })
  return loadFloatProgram(bytes, open, { maxBytes })
}

/**
 * The id of an ONNX file as an `onnx-float/v1` program: keccak256(keccak256("onnx-float/v1") ‖ SHA-256 of the file). Not the
 * file's own hash, so that no program of other semantics has it.
 */
export const floatProgramId = (bytes: Uint8Array): ProgramId => floatIdOf(sha256(bytes))

const floatIdOf = (digest: Digest): ProgramId =>
  toHex(keccak(keccakText('onnx-float/v1'), fromHex(digest))) as ProgramId

const sha256 = (bytes: Uint8Array): Digest => toHex(createHash('sha256').update(bytes).digest()) as Digest

function checkInputBytes(inputs: readonly { readonly data: Uint8Array }[], limit: number): void {
  const got = inputs.reduce((sum, t) => sum + t.data.length, 0)
  if (got > limit) throw fail('VS_ONNX_TOO_LARGE', { details: { field: 'inputs', limit: `${limit} bytes`, got } })
}

function positive(field: string, value: number): number {
  if (!Number.isSafeInteger(value) || value < 1) {
    throw fail('VS_ONNX_INVALID_OPTION', { details: { field, expected: 'a whole number of at least 1', got: value } })
  }
  return value
}

import { createHash, randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { Origin } from '@veristack/core/receipt'
import type { Circuit } from '../circuit/compile.ts'
import { powerOf } from '../circuit/report.ts'
import { fail } from '../errors.ts'
import type { Beacon, ProverBackend, VerifyingKey } from '../groth16/backend.ts'
import { curveModule } from '../groth16/snarkjs.ts'
import { type Cache, cached, openCache } from './cache.ts'
import { developmentPtau } from './development.ts'
import { ceremonyPhase1, type Phase1 } from './phase1.ts'
import { ptauSections } from './ptau-format.ts'
import { checkKey, refused } from './refuse.ts'
import { type SelfTestWitness, selfTest } from './self-test.ts'
import { readSections } from './zkey.ts'

/** Phase 1 of a ceremony, and how the circuit's own phase is made from it. */
export interface CeremonyKeys {
  /** Path of the prepared `.ptau`. */
  readonly ptau: string
  /** BLAKE2b-512 that the ceremony published; left out, the file must be one of the Hermez ceremony's. */
  readonly blake2b?: string
  /** Path of a key that others made from the same circuit and phase 1. Its transcript is verified; nothing is added. */
  readonly zkey?: string
  /** Mixed into this machine's own random bytes for the one contribution that is made here. Never stored. */
  readonly entropy?: Uint8Array
  /** Applied after the contribution. */
  readonly beacon?: Beacon
}

/** `development`: made by this machine in seconds, which could forge; contracts accept such keys on local chains only. */
export type KeySource = 'development' | CeremonyKeys

export interface Keys {
  readonly zkey: Uint8Array
  readonly verifyingKey: VerifyingKey
  readonly origin: Extract<Origin, 'development' | 'ceremony'>
}

export interface SetupOptions {
  readonly source: KeySource
  readonly directory: string
  /** Holds what the directory's entries are authenticated with; outside the directory. */
  readonly secretFile: string
  readonly backend: ProverBackend
  readonly signal: AbortSignal
  progress(stage: string, done: number, total?: number): void
  notice(reason: string): void
}

/** What of a circuit its keys depend on. */
export type KeyedCircuit = Pick<Circuit, 'id' | 'r1cs' | 'system'>

/**
 * Keys for a circuit, from the cache or made. `sample` is any witness of it, for the self-test that a key passes before it
 * is stored. A stored key is used without that test and without its transcript: its tag says that this user's process
 * did both, for exactly this circuit, origin and phase 1.
 */
export async function setupKeys(circuit: KeyedCircuit, sample: SelfTestWitness, given: SetupOptions): Promise<Keys> {
  const options: SetupOptions = { ...given, notice: sayingOnce(given.notice) }
  const { source, backend, signal, notice, progress } = options
  const origin = source === 'development' ? 'development' : 'ceremony'
  const cache = await openCache(options.directory, options.secretFile, notice)
  const phase1 =
    source === 'development' ? undefined : await ceremonyPhase1(source.ptau, source.blake2b, powerOf(circuit))
  const foreign = source === 'development' || source.zkey === undefined ? undefined : await readForeign(source.zkey)
  const step = async <T>(stage: string, done: number, make: () => Promise<T>): Promise<T> => {
    signal.throwIfAborted()
    progress(stage, done, 4)
    return orAborted(make(), signal)
  }
  const zkey = await cached(cache, {
    name: keyName(circuit, source, phase1, foreign),
    signal,
    notice,
    waiting: () => progress('waiting for another process that makes these keys', 0),
    check: (bytes) => void checkKey(bytes, circuit.system),
    make: async () => {
      const used =
        phase1 ?? (await step('phase 1 (development)', 0, () => developmentPhase1(cache, powerOf(circuit), options)))
      const key = await makeKey(circuit, source, used, foreign, options, step)
      await used.recheck()
      const { verifyingKey } = checkKey(key, circuit.system)
      await step('self-test of the key', 3, () => selfTest(backend, key, verifyingKey, circuit.system, sample, signal))
      return key
    },
  })
  const { verifyingKey } = checkKey(zkey, circuit.system)
  progress('keys', 4, 4)
  return { zkey, verifyingKey, origin }
}

/** A directory that is no good is so for phase 1 and for the key. */
function sayingOnce(notice: SetupOptions['notice']): SetupOptions['notice'] {
  const said = new Set<string>()
  return (reason) => {
    if (!said.has(reason)) notice(reason)
    said.add(reason)
  }
}

/**
 * What is computed, or the reason of an abort as soon as there is one: a step can not be interrupted, but what it makes
 * is in memory alone until the key is whole, so nobody has to wait for what nobody wants.
 */
function orAborted<T>(computed: Promise<T>, signal: AbortSignal): Promise<T> {
  let stop = (): void => {}
  const aborted = new Promise<never>((_, refuse) => {
    stop = () => refuse(signal.reason)
    signal.addEventListener('abort', stop)
    if (signal.aborted) stop()
  })
  return Promise.race([computed, aborted]).finally(() => signal.removeEventListener('abort', stop))
}

type Step = <T>(stage: string, done: number, make: () => Promise<T>) => Promise<T>

async function makeKey(
  { r1cs }: KeyedCircuit,
  source: KeySource,
  phase1: Phase1,
  foreign: Uint8Array | undefined,
  { backend }: SetupOptions,
  step: Step,
): Promise<Uint8Array> {
  let key: Uint8Array
  if (foreign !== undefined) {
    key = foreign
  } else {
    const initial = await step('proving key', 1, () => backend.initialKey(r1cs, phase1.source))
    const own = randomBytes(64)
    const entropy =
      source === 'development' || source.entropy === undefined ? own : Buffer.concat([own, source.entropy])
    key = await step('contribution', 2, () => backend.contribute(initial, 'veristack', entropy))
    const beacon = source === 'development' ? undefined : source.beacon
    if (beacon !== undefined) key = await step('beacon', 2, () => backend.beacon(key, 'beacon', beacon))
  }
  if (source !== 'development') {
    const leads = await step('transcript', 3, () => backend.verifyTranscript(r1cs, phase1.source, key))
    if (!leads) throw refused('transcript', 'one that leads from circuit and phase 1 to this key', 'another')
  }
  return key
}

async function developmentPhase1(
  cache: Cache,
  power: number,
  { notice, signal, progress }: SetupOptions,
): Promise<Phase1> {
  const bytes = await cached(cache, {
    name: `phase1-development-${power}`,
    signal,
    notice,
    waiting: () => progress('waiting for another process that makes phase 1 (development)', 0),
    check(found) {
      const sections = readSections(found, 'ptau', 1)
      for (const { id, bytes: size } of ptauSections(power)) {
        if (sections.get(id)?.length !== size) throw new RangeError(`section ${id} has another length`)
      }
    },
    make: async () =>
      developmentPtau(power, await curveModule(), {
        progress: (done, total) => progress('phase 1 (development)', done, total),
        signal,
      }),
  })
  return { power, hash: 'development', source: bytes, recheck: async () => {} }
}

async function readForeign(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path)
  } catch (cause) {
    throw fail('VS_ZKML_KEY_REFUSED', {
      details: { field: 'keys.zkey', expected: 'a file that can be read', got: path },
      cause,
    })
  }
}

/** All that a key depends on: another circuit, phase 1, foreign key or beacon has another name. */
function keyName(
  { id, r1cs }: KeyedCircuit,
  source: KeySource,
  phase1: Phase1 | undefined,
  foreign: Uint8Array | undefined,
): string {
  const beacon = source === 'development' ? undefined : source.beacon
  const identity = [
    sha256(r1cs),
    phase1?.hash ?? 'development',
    foreign === undefined ? null : sha256(foreign),
    beacon === undefined ? null : [beacon.value, beacon.iterations],
  ]
  return `key-${id.slice(2)}-${phase1 === undefined ? 'development' : 'ceremony'}-${sha256(JSON.stringify(identity))}`
}

const sha256 = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('hex')

import { fail } from '../errors.ts'
import type { CurveModule } from '../keys/fixed-base.ts'
import type { Beacon, Proof, ProverBackend } from './backend.ts'

/** What is used of snarkjs, which has no types. Results are parsed, not believed. */
interface Snarkjs {
  readonly zKey: {
    newZKey(r1cs: Uint8Array, ptau: Uint8Array | string, out: MemoryFile): Promise<unknown>
    contribute(zkey: Uint8Array, out: MemoryFile, name: string, entropy: string): Promise<unknown>
    beacon(zkey: Uint8Array, out: MemoryFile, name: string, value: string, iterations: number): Promise<unknown>
    verifyFromR1cs(r1cs: Uint8Array, ptau: Uint8Array | string, zkey: Uint8Array): Promise<unknown>
  }
  readonly groth16: { prove(zkey: Uint8Array, witness: Uint8Array): Promise<unknown> }
  readonly curves: { getCurveFromName(name: string, options?: { readonly singleThread: boolean }): Promise<unknown> }
}

interface MemoryFile {
  readonly type: 'mem'
  data?: unknown
}

async function load(): Promise<Snarkjs> {
  try {
    // The specifier is widened because the package has no types and is optional.
    const name: string = 'snarkjs'
    const loaded: unknown = await import(name)
    const found = [loaded, field(loaded, 'default')].find(
      (m) => field(m, 'groth16') !== undefined && field(m, 'zKey') !== undefined,
    )
    if (found === undefined) throw new TypeError('the module has no groth16 and zKey')
    return found as Snarkjs
  } catch (cause) {
    throw fail('VS_ZKML_PROVER_MISSING', { details: { package: 'snarkjs' }, cause })
  }
}

const field = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null && name in value ? (value as Record<string, unknown>)[name] : undefined

let waiting = 0
let queue: Promise<unknown> = Promise.resolve()
let alive: ReturnType<typeof setInterval> | undefined
const A_DAY = 86_400_000

/**
 * One call at a time, over all instances: snarkjs keeps one curve with its workers for the whole process. The workers
 * would keep Node alive for ever, so they are unreferenced and the calls under way do it instead.
 */
function run<T>(action: (snarkjs: Snarkjs) => Promise<T>): Promise<T> {
  waiting++
  alive ??= setInterval(() => {}, A_DAY)
  const result = queue.then(async () => {
    try {
      const snarkjs = await load()
      try {
        return await action(snarkjs)
      } catch (cause) {
        throw fail('VS_ZKML_PROVER_FAILED', { details: { prover: 'snarkjs' }, cause })
      }
    } finally {
      releaseWorkers()
      waiting--
      if (waiting === 0) {
        clearInterval(alive)
        alive = undefined
      }
    }
  })
  queue = result.catch(() => undefined)
  return result
}

/** Lets Node exit although the workers wait for more. */
function releaseWorkers(): void {
  const workers = field(field(field(globalThis, 'curve_bn128'), 'tm'), 'workers')
  if (!Array.isArray(workers)) return
  for (const worker of workers) {
    // web-worker, which ffjavascript uses, keeps Node's own worker under this symbol.
    const thread: unknown = worker?.[Symbol.for('worker')]
    const unref = field(thread, 'unref')
    if (typeof unref === 'function') unref.call(thread)
  }
}

/** Ends the workers unless somebody is using them. */
async function endWorkers(): Promise<void> {
  if (waiting > 0) return
  const curve: unknown = field(globalThis, 'curve_bn128')
  const terminate = field(curve, 'terminate')
  if (typeof terminate === 'function') await terminate.call(curve)
}

/**
 * Groth16 by snarkjs (GPL-3.0, an optional peer). `close` ends its worker threads, which serve all instances, once no call
 * is under way; it does not wait for calls that were given up or are another instance's.
 */
export function snarkjsProver(): ProverBackend {
  const toMemory = (call: (snarkjs: Snarkjs, out: MemoryFile) => Promise<unknown>): Promise<Uint8Array> =>
    run(async (snarkjs) => {
      const out: MemoryFile = { type: 'mem' }
      const result = await call(snarkjs, out)
      // snarkjs reports some failures by a value and a log line.
      if (result === false || result === -1 || !(out.data instanceof Uint8Array)) throw new Error('snarkjs made no key')
      return out.data
    })
  return {
    name: 'snarkjs',
    initialKey: (r1cs, ptau) => toMemory((s, out) => s.zKey.newZKey(r1cs, ptau, out)),
    contribute: (zkey, name, entropy) =>
      toMemory((s, out) => s.zKey.contribute(zkey, out, name, Buffer.from(entropy).toString('hex'))),
    beacon: (zkey, name, { value, iterations }: Beacon) =>
      toMemory((s, out) => s.zKey.beacon(zkey, out, name, value, iterations)),
    verifyTranscript: (r1cs, ptau, zkey) => run(async (s) => (await s.zKey.verifyFromR1cs(r1cs, ptau, zkey)) === true),
    prove: (zkey, witness) => run(async (s) => parseResult(await s.groth16.prove(zkey, witness))),
    async close() {
      if (waiting > 0) void queue.then(endWorkers)
      else await endWorkers()
    },
  }
}

/** BN254 as snarkjs compiles it, without workers. */
export async function curveModule(): Promise<CurveModule> {
  const snarkjs = await load()
  const tm = field(await snarkjs.curves.getCurveFromName('bn128', { singleThread: true }), 'tm')
  const [code, g1, g2] = [field(tm, 'code'), field(tm, 'pG1gen'), field(tm, 'pG2gen')]
  if (!(code instanceof Uint8Array) || typeof g1 !== 'number' || typeof g2 !== 'number') {
    throw fail('VS_ZKML_PROVER_FAILED', { details: { prover: 'snarkjs', expected: 'a curve with its code' } })
  }
  return { code, generators: { g1, g2 }, pages: 25 }
}

function parseResult(result: unknown): { readonly proof: Proof; readonly publicSignals: readonly bigint[] } {
  const proof = field(result, 'proof')
  const signals = field(result, 'publicSignals')
  if (!Array.isArray(signals)) throw new TypeError('snarkjs returned no public signals')
  return {
    proof: { a: pair(field(proof, 'pi_a')), b: twoPairs(field(proof, 'pi_b')), c: pair(field(proof, 'pi_c')) },
    publicSignals: signals.map(number),
  }
}

const number = (value: unknown): bigint => {
  if (typeof value !== 'string' && typeof value !== 'bigint') throw new TypeError('snarkjs returned no number')
  return BigInt(value)
}
const pair = (value: unknown): readonly [bigint, bigint] => {
  if (!Array.isArray(value)) throw new TypeError('snarkjs returned no point')
  return [number(value[0]), number(value[1])]
}
const twoPairs = (value: unknown): Proof['b'] => {
  if (!Array.isArray(value)) throw new TypeError('snarkjs returned no point')
  return [pair(value[0]), pair(value[1])]
}

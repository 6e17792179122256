import { createHash } from 'node:crypto'
import { copyFile, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isVeristackError } from '@veristack/core/receipt'
import { circuitReport } from '../circuit/report.ts'
import type { ProverBackend } from '../groth16/backend.ts'
import { curveModule, snarkjsProver } from '../groth16/snarkjs.ts'
import { ConstraintSystem, constantForm, encodeR1cs, firstViolation, ONE, offset, plus } from '../r1cs/index.ts'
import { simulatedKey, simulateProof } from '../testing/groth16-simulator.ts'
import { digestOf, temporaryDirectory } from '../testing/stand.ts'
import { cached } from './cache.ts'
import { developmentPtau } from './development.ts'
import { ceremonyPhase1 } from './phase1.ts'
import { checkKey } from './refuse.ts'
import { type SelfTestWitness, selfTest } from './self-test.ts'
import { type KeyedCircuit, type KeySource, setupKeys } from './setup.ts'
import { readSections } from './zkey.ts'

interface Ceremony {
  readonly curves: { getCurveFromName(name: string): Promise<unknown> }
  readonly powersOfTau: {
    newAccumulator(curve: unknown, power: number, out: object): Promise<unknown>
    contribute(old: object, out: object, name: string, entropy: string): Promise<unknown>
    preparePhase2(old: Uint8Array, out: object): Promise<unknown>
  }
}

const backend = snarkjsProver()
const ENTROPY = new Uint8Array(64).fill(1)
let circuit: KeyedCircuit
let sample: SelfTestWitness
let power: number
let ptau: Uint8Array
let initial: Uint8Array
let directory: Awaited<ReturnType<typeof temporaryDirectory>>
let secrets: Awaited<ReturnType<typeof temporaryDirectory>>
const notices: string[] = []

const refusal = async (make: () => unknown): Promise<string> => {
  try {
    await make()
    return 'accepted'
  } catch (error) {
    return isVeristackError(error)
      ? `${error.code} ${error.details.field ?? error.details.file ?? ''} ${error.details.got ?? ''}`
      : String(error)
  }
}

beforeAll(async () => {
  directory = await temporaryDirectory()
  secrets = await temporaryDirectory()
  // x³ + x + 5 = y with two more public signals, each in a constraint: small, so that setups take no time.
  const system = new ConstraintSystem()
  const publics = [0, 1].map((i) => system.publicInput((w) => w.given('claim', i)))
  const y = system.publicOutput()
  for (const half of publics) system.product(half, half)
  const x = system.signal((w) => w.given('x', 0))
  const cube = system.product(system.product(x, x), x)
  system.expose(y, offset(plus(cube, x), 5n))
  circuit = { id: digestOf(1), r1cs: encodeR1cs(system), system }
  const values = system.solve({ claim: [1n, 2n], x: [3n] })
  expect(firstViolation(system.constraints, values)).toBeUndefined()
  sample = { values, publicSignals: values.slice(1, 4) }
  expect(sample.publicSignals).toEqual([1n, 2n, 35n])
  power = circuitReport(circuit).power
  ptau = await developmentPtau(power, await curveModule())
  initial = await backend.initialKey(circuit.r1cs, ptau)
}, 120_000)

afterAll(async () => {
  await backend.close()
  await directory.remove()
  await secrets.remove()
})

const setupIn = (
  place: string,
  source: KeySource,
  of: KeyedCircuit = circuit,
  prover = backend,
  signal = new AbortController().signal,
) =>
  setupKeys(of, sample, {
    source,
    directory: place,
    secretFile: join(secrets.path, 'cache-secret'),
    backend: prover,
    signal,
    progress() {},
    notice: (reason) => notices.push(reason),
  })

describe('an abort', () => {
  const never = new Promise<never>(() => {})
  test.each(['initialKey', 'contribute', 'prove'] as const)(
    'does not wait for %s, leaves no key, and keeps nobody from making it',
    async (method) => {
      const place = join(directory.path, `aborted-${method}`)
      const controller = new AbortController()
      const slow: ProverBackend = {
        ...backend,
        [method]: () => {
          queueMicrotask(() => controller.abort(new Error('enough')))
          return never
        },
      }
      await expect(setupIn(place, 'development', circuit, slow, controller.signal)).rejects.toThrow('enough')
      expect((await readdir(place)).filter((name) => !name.startsWith('phase1-'))).toEqual([])
      expect((await setupIn(place, 'development')).origin).toBe('development')
    },
    60_000,
  )

  test('closing does not wait for what was given up', async () => {
    const own = snarkjsProver()
    const given = own.initialKey(circuit.r1cs, ptau)
    let ended = false
    void given.then(() => {
      ended = true
    })
    await own.close()
    expect(ended).toBe(false)
    expect(await given).toBeInstanceOf(Uint8Array)
  }, 60_000)
})

/** The same public signals and wires, but the constraint that ties the output to the others says y · 1 = y. */
function withoutOutput(of: KeyedCircuit): KeyedCircuit {
  const y = { ...constantForm(0n), signals: [3], coefficients: [1n] }
  const { constraints, signalCount, publicCount } = of.system
  const r1cs = encodeR1cs({
    constraints: [...constraints.slice(0, -1), { a: y, b: ONE, c: y }],
    signalCount,
    publicCount,
  })
  return { ...of, r1cs }
}

test('the development phase 1 is what snarkjs prepares from the same powers', async () => {
  const small = await developmentPtau(5, await curveModule())
  const name: string = 'snarkjs'
  const { powersOfTau } = (await import(name)) as Ceremony
  const out: { type: 'mem'; data?: Uint8Array } = { type: 'mem' }
  await powersOfTau.preparePhase2(small, out)
  const [own, theirs] = [readSections(small, 'ptau', 1), readSections(out.data ?? new Uint8Array(), 'ptau', 1)]
  for (const id of [2, 3, 4, 5, 6, 12, 13, 14, 15]) {
    expect(Buffer.compare(own.get(id) ?? new Uint8Array(), theirs.get(id) ?? new Uint8Array(1))).toBe(0)
  }
}, 60_000)

describe('a key is refused', () => {
  test('without a contribution', async () => {
    expect(await refusal(() => checkKey(initial, circuit.system))).toMatch(/VS_ZKML_KEY_REFUSED contributions none/)
  })

  test('with a beacon only, or a beacon before the first contribution', async () => {
    const beacon = { value: '0102030405060708', iterations: 10 }
    const only = await backend.beacon(initial, 'beacon', beacon)
    expect(await refusal(() => checkKey(only, circuit.system))).toMatch(
      /VS_ZKML_KEY_REFUSED contributions only a beacon/,
    )
    const after = await backend.contribute(only, 'late', ENTROPY)
    expect(await refusal(() => checkKey(after, circuit.system))).toMatch(
      /VS_ZKML_KEY_REFUSED contributions a beacon first/,
    )
    const proper = await backend.beacon(await backend.contribute(initial, 'first', ENTROPY), 'beacon', beacon)
    expect(checkKey(proper, circuit.system).contributions.map((c) => c.type)).toEqual(['contribution', 'beacon'])
  }, 60_000)

  test('with infinity in IC, another size, cut off or of another kind', async () => {
    const key = await backend.contribute(initial, 'first', ENTROPY)
    expect(checkKey(key, circuit.system).publicSignals).toBe(circuit.system.publicCount)
    const ic = readSections(key, 'zkey', 1).get(3)
    if (ic === undefined) throw new Error('no IC')
    const at = ic.byteOffset - key.byteOffset
    const infinite = key.map((b, i) => (i >= at + 64 && i < at + 128 ? 0 : b))
    expect(await refusal(() => checkKey(infinite, circuit.system))).toMatch(/VS_ZKML_KEY_REFUSED IC\[1\] infinity/)
    expect(await refusal(() => checkKey(key, { signalCount: 99, publicCount: 3 }))).toMatch(/VS_ZKML_KEY_REFUSED size/)
    for (const bytes of [
      new Uint8Array(),
      key.subarray(0, 100),
      key.subarray(0, -1),
      circuit.r1cs,
      ptau,
      Buffer.concat([key, Uint8Array.of(0)]),
    ]) {
      expect(await refusal(() => checkKey(bytes, circuit.system))).toMatch(/VS_ZKML_KEY_REFUSED zkey/)
    }
  }, 60_000)

  test('by the self-test where a public signal binds nothing', async () => {
    const key = await backend.contribute(initial, 'first', ENTROPY)
    const { verifyingKey } = checkKey(key, circuit.system)
    await selfTest(backend, key, verifyingKey, circuit.system, sample)
    const other = { ...verifyingKey, ic: verifyingKey.ic.map((p, i) => (i === 1 ? (verifyingKey.ic[0] ?? p) : p)) }
    expect(await refusal(() => selfTest(backend, key, other, circuit.system, sample))).toMatch(
      /VS_ZKML_KEY_REFUSED self-test equation/,
    )
    const foreign = { ...sample, publicSignals: sample.publicSignals.map((s, i) => (i === 2 ? s + 1n : s)) }
    expect(await refusal(() => selfTest(backend, key, verifyingKey, circuit.system, foreign))).toMatch(
      /VS_ZKML_KEY_REFUSED self-test others/,
    )
    // A prover and a key that let any claim through: the second half of the test is what finds them.
    const signals = sample.publicSignals.length
    const point = verifyingKey.ic[0] ?? ([0n, 0n] as const)
    const simulated = simulatedKey(signals)
    const deaf = { ...simulated, ic: simulated.ic.map((p, i) => (i === 1 ? point : p)) }
    const lax = {
      ...backend,
      prove: async () => ({ proof: simulateProof(sample.publicSignals), publicSignals: sample.publicSignals }),
    }
    await selfTest(lax, key, simulated, circuit.system, sample)
    expect(await refusal(() => selfTest(lax, key, deaf, circuit.system, sample))).toMatch(
      /VS_ZKML_KEY_REFUSED self-test equation/,
    )
  }, 60_000)
})

test('a key over a circuit that leaves an output free is found by the self-test', async () => {
  const weak = withoutOutput(circuit)
  const place = await temporaryDirectory()
  try {
    expect(await refusal(() => setupIn(place.path, 'development', weak))).toMatch(
      /VS_ZKML_KEY_REFUSED self-test a wrong one was proved/,
    )
    expect((await readdir(place.path)).filter((f) => f.startsWith('key-'))).toEqual([])
  } finally {
    await place.remove()
  }
}, 60_000)

test('a stored key is used as it is: nothing is made, contributed or proved again', async () => {
  const place = await temporaryDirectory()
  try {
    const made = await setupIn(place.path, 'development')
    const never = () => Promise.reject(new Error('made again'))
    const idle = { ...backend, initialKey: never, contribute: never, prove: never }
    expect(await setupIn(place.path, 'development', circuit, idle)).toEqual(made)
    // The same id over another circuit is another key.
    const other = { ...circuit, r1cs: withoutOutput(circuit).r1cs }
    await expect(setupIn(place.path, 'development', other, idle)).rejects.toThrow('made again')
  } finally {
    await place.remove()
  }
}, 60_000)

test("another's weakened key under the name of the circuit's is made again", async () => {
  const place = await temporaryDirectory()
  try {
    const honest = await setupIn(place.path, 'development')
    const [name] = (await readdir(place.path)).filter((f) => f.startsWith('key-'))
    if (name === undefined) throw new Error('no key')
    const weak = await backend.contribute(await backend.initialKey(withoutOutput(circuit).r1cs, ptau), 'weak', ENTROPY)
    expect(checkKey(weak, circuit.system).publicSignals).toBe(3)
    const elsewhere = await temporaryDirectory()
    await cached(
      { directory: elsewhere.path, secret: new Uint8Array(32) },
      { name, make: async () => weak, check() {}, notice() {} },
    )
    await copyFile(join(elsewhere.path, name), join(place.path, name))
    await elsewhere.remove()
    notices.length = 0
    const again = await setupIn(place.path, 'development')
    expect(notices).toEqual([expect.stringContaining('by this user')])
    expect(Buffer.from(again.zkey).equals(weak)).toBe(false)
    expect(again.verifyingKey).not.toEqual(honest.verifyingKey)
    await selfTest(backend, again.zkey, again.verifyingKey, circuit.system, sample)
  } finally {
    await place.remove()
  }
}, 60_000)

describe('a ceremony', () => {
  let path: string
  let hash: string

  beforeAll(async () => {
    const name: string = 'snarkjs'
    const { powersOfTau, curves } = (await import(name)) as Ceremony
    const steps = [0, 1, 2].map(() => ({ type: 'mem' as const, data: new Uint8Array() }))
    const [empty, contributed, prepared] = steps
    if (!empty || !contributed || !prepared) throw new Error('three files')
    await powersOfTau.newAccumulator(await curves.getCurveFromName('bn128'), power, empty)
    await powersOfTau.contribute(empty, contributed, 'someone', 'entropy')
    await powersOfTau.preparePhase2(contributed.data, prepared)
    path = join(directory.path, 'ceremony.ptau')
    await writeFile(path, prepared.data)
    hash = createHash('blake2b512').update(prepared.data).digest('hex')
  }, 120_000)

  const setup = (source: KeySource) => setupIn(directory.path, source)

  test('phase 1 is accepted by its published hash and nothing else', async () => {
    expect((await ceremonyPhase1(path, hash, power)).power).toBe(power)
    expect(await refusal(() => ceremonyPhase1(path, `0x${hash.toUpperCase()}`, power))).toBe('accepted')
    expect(await refusal(() => ceremonyPhase1(path, undefined, power))).toMatch(/VS_ZKML_PTAU_REFUSED/)
    expect(await refusal(() => ceremonyPhase1(path, '00'.repeat(64), power))).toMatch(/VS_ZKML_PTAU_REFUSED/)
    expect(await refusal(() => ceremonyPhase1(path, 'beef', power))).toMatch(/VS_ZKML_INVALID_OPTION/)
    expect(await refusal(() => ceremonyPhase1(path, hash, power + 1))).toMatch(/VS_ZKML_PTAU_REFUSED .* power/)
    expect(await refusal(() => ceremonyPhase1(join(directory.path, 'none'), hash, power))).toMatch(
      /VS_ZKML_PTAU_REFUSED/,
    )
    const cut = join(directory.path, 'cut.ptau')
    const short = ptau.subarray(0, -1)
    await writeFile(cut, short)
    expect(
      await refusal(() => ceremonyPhase1(cut, createHash('blake2b512').update(short).digest('hex'), power)),
    ).toMatch(/VS_ZKML_PTAU_REFUSED/)
  })

  test('keys of ceremony origin: contribution, beacon, transcript verified, a foreign key only with a transcript that leads to it', async () => {
    const made = await setup({
      ptau: path,
      blake2b: hash,
      entropy: ENTROPY,
      beacon: { value: 'abcdef', iterations: 10 },
    })
    expect(made.origin).toBe('ceremony')
    expect(checkKey(made.zkey, circuit.system).contributions.map((c) => c.type)).toEqual(['contribution', 'beacon'])

    const good = join(directory.path, 'good.zkey')
    await writeFile(good, made.zkey)
    expect((await setup({ ptau: path, blake2b: hash, zkey: good })).verifyingKey).toEqual(made.verifyingKey)

    // A key over another phase 1, whose secrets its maker knows, has no transcript from this one.
    const foreign = join(directory.path, 'foreign.zkey')
    await writeFile(foreign, await backend.contribute(initial, 'first', ENTROPY))
    expect(await refusal(() => setup({ ptau: path, blake2b: hash, zkey: foreign }))).toMatch(
      /VS_ZKML_KEY_REFUSED transcript/,
    )
  }, 120_000)

  test("a development phase 1 does not pass as a ceremony's, whatever hash is pinned", async () => {
    const own = join(directory.path, 'own.ptau')
    const pinned = async (bytes: Uint8Array) => {
      await writeFile(own, bytes)
      return refusal(() => ceremonyPhase1(own, createHash('blake2b512').update(bytes).digest('hex'), power))
    }
    expect(await pinned(ptau)).toMatch(/VS_ZKML_PTAU_REFUSED .*no contribution$/)
    expect(await pinned(await readFile(path))).toBe('accepted')
    // The type of the first contribution lies in front of its parameters' length, behind 1496 bytes of points and hashes.
    const whole = new Uint8Array(await readFile(path))
    const section = readSections(whole, 'ptau', 1).get(7)
    if (section === undefined) throw new Error('no contributions')
    const at = section.byteOffset - whole.byteOffset
    const changed = (position: number, to: number) => whole.map((b, i) => (i === at + position ? to : b))
    expect(await pinned(changed(4 + 1496, 1))).toMatch(/a beacon first$/)
    expect(await pinned(changed(0, 0))).toMatch(/VS_ZKML_PTAU_REFUSED .* other bytes$/)
    expect(await pinned(changed(0, 2))).toMatch(/VS_ZKML_PTAU_REFUSED .* other bytes$/)
    expect(await pinned(changed(3, 255))).toMatch(/VS_ZKML_PTAU_REFUSED .* other bytes$/)
  })

  test("a development key under the name of a ceremony's is not taken for one", async () => {
    const place = await temporaryDirectory()
    try {
      const development = await setupIn(place.path, 'development')
      const source = { ptau: path, blake2b: hash }
      await setupIn(place.path, source)
      const names = await readdir(place.path)
      const named = (part: string) =>
        join(place.path, names.find((f) => f.startsWith('key-') && f.includes(part)) ?? '')
      await copyFile(named('-development-'), named('-ceremony-'))
      notices.length = 0
      const again = await setupIn(place.path, source)
      expect(notices).toEqual([expect.stringContaining('not stored under this name')])
      expect(again.origin).toBe('ceremony')
      expect(again.verifyingKey).not.toEqual(development.verifyingKey)
      expect(await backend.verifyTranscript(circuit.r1cs, await readFile(path), again.zkey)).toBe(true)
    } finally {
      await place.remove()
    }
  }, 60_000)
})

import { trace } from '../program/index.ts'
import { naiveRun } from './naive.ts'
import { canon, openSession, runSession } from './onnxruntime.ts'
import { randomInputs, randomProgram } from './programs.ts'

const PROGRAMS = 20_000

test(`${PROGRAMS} random programs: interpreter, naive reading and onnxruntime agree`, async () => {
  const from = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 30))
  for (let seed = from; seed < from + PROGRAMS; seed++) {
    const program = randomProgram(seed, 10)
    const session = await openSession(program)
    for (const k of [0, 1, 2, 3]) {
      const inputs = randomInputs(program, seed + k)
      try {
        expect(trace(program, inputs).map((v) => Array.from(v, BigInt))).toEqual(naiveRun(program, inputs))
        expect(await runSession(session, inputs)).toEqual(canon(program, inputs))
      } catch (cause) {
        throw new Error(`program ${seed}, inputs ${seed + k}; repeat with SEED=${seed}`, { cause })
      }
    }
    await session.release()
  }
}, 1_800_000)

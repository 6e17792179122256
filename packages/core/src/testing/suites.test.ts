import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { directoryBlobs } from '../blobs/directory.ts'
import { memoryBlobs } from '../blobs/memory.ts'
import type { RequestId } from '../claim/index.ts'
import type { Step } from '../job/job.ts'
import { directoryRecords } from '../job/records-directory.ts'
import { memoryRecords } from '../job/records-memory.ts'
import { observeRecords } from '../job/watch.ts'
import { memoryScheduler } from '../scheduler/memory.ts'
import {
  acceptsEverything,
  anotherModelsOutput,
  blobsSuite,
  collectingRunner,
  committerSuite,
  executorSuite,
  fakeCommitter,
  fakeExecutor,
  fakeFixtures,
  fakeOnChain,
  fakeProver,
  fakeSettler,
  fakeVerifier,
  losesAJob,
  onchainSuite,
  paysTwice,
  proverSuite,
  recordsSuite,
  type SchedulerUnderTest,
  schedulerSuite,
  settlerSuite,
  type TestRunner,
  twoOutputsUnderTwoCommitments,
  verifierSuite,
} from './index.ts'

const root = mkdtempSync(join(tmpdir(), 'veristack-suites-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))
let made = 0
const directory = () => join(root, String(made++))

const memoryUnderTest = (): SchedulerUnderTest => {
  const records = observeRecords(memoryRecords())
  const failures: { readonly id: RequestId; readonly step: Step }[] = []
  const onStepFailed = async (id: RequestId, step: Step) => {
    failures.push({ id, step })
  }
  return { scheduler: memoryScheduler({ records, onStepFailed }), records, failures }
}

const note = () => undefined

const suites = {
  executor: (runner: TestRunner, make = fakeExecutor) =>
    executorSuite({
      runner,
      make: () => make(),
      fixture: fakeFixtures.executor,
      capabilities: { finite: false },
      note,
    }),
  committer: (runner: TestRunner) =>
    committerSuite({ runner, make: fakeCommitter, fixture: fakeFixtures.committer, note }),
  prover: (runner: TestRunner, make = () => fakeProver()) =>
    proverSuite({ runner, make, fixture: fakeFixtures.prover, note }),
  verifier: (runner: TestRunner, make = fakeVerifier) =>
    verifierSuite({ runner, make, fixture: fakeFixtures.verifier, note }),
  onchain: (runner: TestRunner) => onchainSuite({ runner, make: fakeOnChain, fixture: fakeFixtures.onchain, note }),
  settler: (runner: TestRunner, make = fakeSettler) =>
    settlerSuite({ runner, make, fixture: fakeFixtures.settler, note }),
  scheduler: (runner: TestRunner, make = memoryUnderTest, patienceMs = 10_000) =>
    schedulerSuite({ runner, make, patienceMs, note }),
}

describe('the doubles and the stores conform', () => {
  const runner: TestRunner = { describe, test }
  for (const run of Object.values(suites)) run(runner)
  describe('memory', () => {
    blobsSuite({ runner, make: () => memoryBlobs(), capabilities: { corruption: false }, note })
    recordsSuite({ runner, make: () => memoryRecords(), note })
  })
  describe('directory', () => {
    let last = ''
    blobsSuite({
      runner,
      make: () => {
        last = directory()
        return directoryBlobs(last)
      },
      corrupt: async (ref) =>
        writeFileSync(join(last, 'sha256', ref.digest.slice(2, 4), ref.digest.slice(2)), new Uint8Array(ref.bytes)),
      note,
    })
    recordsSuite({ runner, make: () => directoryRecords(directory()), note })
  })
})

const failed = async (open: (runner: TestRunner) => void): Promise<readonly string[]> => {
  const runner = collectingRunner()
  open(runner)
  const results = await runner.run()
  expect(results.length).toBeGreaterThan(3)
  return results.filter((r) => r.error !== undefined).map((r) => r.name)
}

describe('each hostile double fails the one check that it is named for', () => {
  test('accepts everything', async () => {
    expect(await failed((r) => suites.verifier(r, acceptsEverything))).toEqual([
      'refuses a forgery: well-formed evidence of this claim by anybody else',
    ])
  })

  test("another model's output", async () => {
    expect(await failed((r) => suites.executor(r, anotherModelsOutput))).toEqual(['computes what the program computes'])
  })

  test('two different outputs under two commitments', async () => {
    expect(await failed((r) => suites.prover(r, twoOutputsUnderTwoCommitments))).toEqual([
      'refuses a claim whose commitments hold two different outputs',
    ])
  })

  test('pays twice', async () => {
    expect(await failed((r) => suites.settler(r, () => paysTwice(fakeSettler())))).toEqual([
      'pays once, however often it is asked',
    ])
  })

  test('loses a job', async () => {
    const make = (): SchedulerUnderTest => {
      const honest = memoryUnderTest()
      return { ...honest, scheduler: losesAJob(honest.scheduler) }
    }
    expect(await failed((r) => suites.scheduler(r, make, 500))).toEqual(['loses no job of many'])
  })

  test('the honest ones fail none', async () => {
    for (const run of Object.values(suites)) expect(await failed((r) => run(r))).toEqual([])
  })
})

test('what is left out is printed', () => {
  const lines: string[] = []
  const runner = collectingRunner()
  executorSuite({
    runner,
    make: () => fakeExecutor(),
    fixture: fakeFixtures.executor,
    capabilities: { finite: false },
    note: (line) => lines.push(line),
  })
  expect(lines).toEqual(['conformance: executor: left out (finite): refuses NaN and infinity'])
})

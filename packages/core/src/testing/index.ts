export { type BlobsSuiteOptions, blobsSuite } from './blobs.ts'
export { type CommitterFixture, type CommitterSuiteOptions, committerSuite } from './committer.ts'
export { type FakeCase, fakeCase, fakeFixtures, fakeInputs, fakeOutputs } from './doubles/fake-case.ts'
export {
  type Compute,
  FAKE_SEMANTICS,
  type FakeExecutorOptions,
  fakeExecutor,
  fakeExecutorPlugin,
  fakeProgram,
} from './doubles/fake-executor.ts'
export { fakeSettler, fakeSettlerPlugin } from './doubles/fake-settler.ts'
export {
  FAKE_KIND,
  FAKE_SCHEME,
  FAKE_TIER,
  type FakeTierOptions,
  fakeAnchor,
  fakeCommitter,
  fakeOnChain,
  fakeProver,
  fakeTier,
  fakeVerifier,
} from './doubles/fake-tier.ts'
export {
  acceptsEverything,
  anotherModelsOutput,
  losesAJob,
  paysTwice,
  twoOutputsUnderTwoCommitments,
} from './doubles/hostile.ts'
export { type ExecutorFixture, type ExecutorSuiteOptions, executorSuite } from './executor.ts'
export { type FakeStack, type FakeStackOptions, fakeStack } from './fake-stack.ts'
export { type ReceiptMutation, receiptMutations } from './mutate-receipt.ts'
export { type OnChainFixture, type OnChainSuiteOptions, onchainSuite } from './onchain.ts'
export { type ProverFixture, type ProverSuiteOptions, proverSuite, quietCall } from './prover.ts'
export { recordsSuite } from './records.ts'
export { type Capabilities, type Collected, collectingRunner, type SuiteBase, type TestRunner } from './runner.ts'
export { type SchedulerSuiteOptions, type SchedulerUnderTest, schedulerSuite } from './scheduler.ts'
export { type SettlerFixture, type SettlerSuiteOptions, type SettlerUnderTest, settlerSuite } from './settler.ts'
export { type VerifierFixture, type VerifierSubject, type VerifierSuiteOptions, verifierSuite } from './verifier.ts'

export * from './actions/commit-inputs.ts'
export * from './actions/confirm-settlement.ts'
export * from './actions/deliver.ts'
export * from './actions/find-events.ts'
export * from './actions/get-answer.ts'
export * from './actions/get-result.ts'
export * from './actions/make-order.ts'
export * from './actions/permit.ts'
export { type PlaceRequestParameters, placeRequest, requestIdOf } from './actions/place-request.ts'
export * from './actions/publish.ts'
export * from './actions/quote.ts'
export * from './actions/refund.ts'
export * from './actions/retry-callback.ts'
export * from './actions/submit.ts'
export * from './actions/token.ts'
export * from './actions/withdraw.ts'
export { bondsAbi } from './bindings/Bonds.ts'
export { programRegistryAbi } from './bindings/ProgramRegistry.ts'
export { settlementAbi } from './bindings/Settlement.ts'
export type { SendOptions, SettlementClient } from './client.ts'
export * from './deployment.ts'
export { compareDeployment, type DeploymentDifference } from './deployment-check.ts'
export {
  type DeployedContract,
  type DeploymentFile,
  parseDeployment,
  readDeployment,
  serialiseDeployment,
  writeDeployment,
} from './deployment-file.ts'
export { fail as settlementErrors } from './errors.ts'
export * from './evm.ts'
export * from './intake/index.ts'
export type { NetworkName } from './networks.ts'
export * from './order.ts'
export * from './terms.ts'

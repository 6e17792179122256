import type { SettlementClient } from '../client.ts'

export interface SettlerOptions {
  /** The client of the moment; throws while the plugin is not started. */
  readonly client: () => SettlementClient
  /** Deploy a leaf's verifier where it is absent. */
  readonly deployVerifiers: () => boolean
  /** Publish the outputs after the claim is accepted. */
  readonly deliver: boolean
}

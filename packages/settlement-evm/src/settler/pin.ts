import { codeHash, create2Address, deploy } from '@veristack/chain-evm'
import type { Artefacts, Call, OnChain } from '@veristack/core'
import { type Policy, parseDigest } from '@veristack/core/receipt'
import { senderOf } from '../client.ts'
import { fail } from '../errors.ts'
import type { SettlerOptions } from './options.ts'

/** The pinned on-chain half of a policy; deploys the verifier where it is absent and that is allowed. */
export async function pin(
  o: SettlerOptions,
  artefacts: Artefacts,
  onchain: OnChain,
  call: Call,
): Promise<Pick<Policy, 'verifier' | 'codeHash' | 'params'>> {
  const client = o.client()
  const creation = await onchain.deployment(artefacts, client.chain.chainId)
  const params = onchain.params(artefacts)
  const verifier = create2Address(creation)
  const code = await client.chain.code(verifier)
  // The address commits to the creation code, so what stands there is what this release puts there.
  if (code !== '0x') return { verifier, codeHash: parseDigest(codeHash(code)), params }
  if (!o.deployVerifiers()) {
    throw fail('VS_SETTLE_VERIFIER_ABSENT', {
      details: { kind: artefacts.kind, program: artefacts.program, verifier, network: client.chain.network },
    })
  }
  call.progress({ stage: 'deploy verifier', done: 0, total: 1 })
  const deployed = await deploy(senderOf(client), { ...creation, name: `${onchain.proofSystem} verifier` }, call.signal)
  call.progress({ stage: 'deploy verifier', done: 1, total: 1 })
  return { verifier: deployed.address, codeHash: parseDigest(deployed.codeHash), params }
}

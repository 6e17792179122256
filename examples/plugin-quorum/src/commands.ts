import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Command } from '@veristack/core'
import { claimDigest, parseReceipt, recoverSigner } from '@veristack/core/receipt'
import { decodeEvidence, KIND, quorumAnchor, statement } from './evidence.js'

export const commands: readonly Command[] = [
  {
    name: 'quorum members',
    summary: 'who signed the acme/quorum evidence of a receipt',
    usage: 'veristack quorum members RECEIPT',
    async run([path], io) {
      if (path === undefined) {
        io.err('veristack quorum members RECEIPT\n')
        return 1
      }
      const receipt = parseReceipt(await readFile(resolve(io.cwd, path), 'utf8'))
      const evidence = receipt.evidence.find((e) => e.kind === KIND)
      const decoded = evidence === undefined ? undefined : decodeEvidence(evidence.payload)
      if (decoded === undefined) {
        io.err('the receipt has no well-formed acme/quorum evidence\n')
        return 1
      }
      const digest = statement(claimDigest(receipt.signed.claim))
      const signers = new Set(decoded.signatures.map((s) => recoverSigner(digest, s)))
      io.out(
        `${decoded.quorum.threshold} of ${decoded.quorum.members.length}, anchor ${quorumAnchor(decoded.quorum)}\n`,
      )
      for (const member of decoded.quorum.members) io.out(`  ${signers.has(member) ? '✓' : '·'} ${member}\n`)
      return 0
    },
  },
]

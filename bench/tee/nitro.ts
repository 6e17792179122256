import { nobleBackend, nodeBackend } from '@veristack/verify-tee'
import { verifyNitro } from '@veristack/verify-tee/nitro'
import { makeEvidence, ourOptions } from '../../packages/verify-tee/src/nitro/enclave.fixture.ts'
import { documents, present, read } from '../../packages/verify-tee/src/nitro/vectors.fixture.ts'
import { atMost, medianMs, type Row, unmeasured } from '../../scripts/measure.ts'

const NODE_MS = 12
const NOBLE_MS = 80

/** A whole verdict: parsing, four certificates under the root, five P-384 signatures. A real document where there is one. */
export async function* nitro(progress: (text: string) => void): AsyncIterable<Row> {
  progress('AWS Nitro')
  const { evidence, options, name } = subject()
  const node = nodeBackend()
  const judge = async (backend: typeof nobleBackend): Promise<number> => {
    const verdict = await verifyNitro(evidence, { ...options, backend })
    if (verdict.status !== 'accepted') throw new Error(`${name} is ${verdict.status}`)
    return medianMs(() => verifyNitro(evidence, { ...options, backend }), { runs: 21, warmUp: 5 })
  }
  yield node === undefined
    ? unmeasured('Nitro on node:crypto', 'ms', NODE_MS)
    : atMost(`Nitro on node:crypto, ${name}`, await judge(node), 'ms', NODE_MS)
  yield atMost(`Nitro on noble, ${name}`, await judge(nobleBackend), 'ms', NOBLE_MS)
}

function subject() {
  const entry = present ? documents.find(({ expect }) => expect?.startsWith('verify at ')) : undefined
  if (entry?.observed?.ts === undefined)
    return { evidence: makeEvidence(), options: ourOptions(), name: 'a document of our own' }
  const options = {
    appraisal: { pcrs: 'any' },
    relyingParty: { maxAgeSeconds: 1, platforms: 'any' },
    now: BigInt(Math.floor(Date.parse(entry.observed.ts) / 1000)),
  } as const
  return { evidence: read(entry.file), options, name: 'a real document' }
}

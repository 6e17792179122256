import { programId } from '@veristack/integer-model'
import { compile } from '../circuit/compile.ts'
import { encodeWitness } from '../r1cs/index.ts'
import { snarkjsProver } from '../groth16/snarkjs.ts'
import { refuseProof } from '../groth16/verify.ts'
import { readZkey } from './zkey.ts'
import { classifier, integers } from '../testing/programs.ts'
import { curveModule } from '../groth16/snarkjs.ts'
import { developmentPtau } from './development.ts'

test('speed', async () => {
  const t = (l: string) => { console.log(l, Date.now() - t0); t0 = Date.now() }
  let t0 = Date.now()
  const p = classifier(1024, 64, 77)
  t('program')
  const id = programId(p)
  t('id')
  const c = compile(p, id)
  t('compile ' + c.system.constraints.length + ' ' + c.r1cs.length)
  console.log([...c.system.constraintsByScope])
  const next = integers(3)
  const w = c.witness({ claim: [1n, 2n], inputs: { features: Array.from({ length: 1024 }, () => BigInt(next(0, 15))) }, inputSalt: 5n, outputSalt: 6n })
  t('witness')
  const ptau = await developmentPtau(14, await curveModule())
  t('ptau')
  const b = snarkjsProver()
  let z = await b.initialKey(c.r1cs, ptau)
  t('newZKey')
  z = await b.contribute(z, 'x', new Uint8Array(32))
  t('contribute ' + z.length)
  for (let i = 0; i < 3; i++) {
    const r = await b.prove(z, encodeWitness(w.values))
    t('prove')
    console.log(refuseProof(readZkey(z).verifyingKey, r.publicSignals, r.proof))
    t('verify')
  }
  await b.close()
}, 200000)

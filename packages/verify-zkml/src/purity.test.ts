import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { build } from 'esbuild'
import { zkmlErrors } from './index.ts'

const root = join(__dirname, '..', '..', '..')

test('the verifier bundles for a browser and pulls in no container, prover, chain library or Node module', async () => {
  const { metafile } = await build({
    entryPoints: [join(__dirname, 'verify.ts')],
    bundle: true,
    write: false,
    metafile: true,
    platform: 'browser',
    format: 'esm',
    conditions: ['@veristack/source'],
    absWorkingDir: root,
    logLevel: 'silent',
  })
  const files = Object.keys(metafile.inputs)
  const foreign = files.filter(
    (f) =>
      !/node_modules\/(@noble\/(curves|hashes)|poseidon-lite|zod)\//.test(f) &&
      !/^packages\/(core|integer-model|verify-zkml)\/src\//.test(f),
  )
  expect(foreign).toEqual([])
  for (const forbidden of [
    'tsyringe',
    'reflect-metadata',
    'di.ts',
    'snarkjs',
    'ethers',
    'onnx',
    'keys/',
    'r1cs/',
    'gadgets/',
    'bindings/',
  ]) {
    expect(files.filter((f) => f.includes(forbidden))).toEqual([])
  }
})

test('every code that the verifier rejects with is a declared error', async () => {
  const declared = new Set(zkmlErrors.descriptors.map((d) => d.code))
  const used = (await readFile(join(__dirname, 'verify.ts'), 'utf8')).match(/VS_ZKML_[A-Z_]+/g) ?? []
  expect(used.length).toBeGreaterThan(5)
  expect(used.filter((code) => !declared.has(code as `VS_${string}`))).toEqual([])
})

/**
 * Writes src/claim/vectors/claim-v1.json: what implementations in other languages are checked against. The file is
 * frozen for version 1 of the types; a change of a digest in it is a new version of the type.
 *
 * Usage: npm run vectors -w packages/core
 */
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { claimVectors } from '../src/claim/vectors/cases.ts'

writeFileSync(
  fileURLToPath(new URL('../src/claim/vectors/claim-v1.json', import.meta.url)),
  `${JSON.stringify(await claimVectors(), null, 2)}\n`,
)

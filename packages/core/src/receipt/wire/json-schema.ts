import * as z from 'zod'
import { anchors, evidence, receipt, request, requirement, signedClaim } from './schemas.ts'

const published: readonly (readonly [string, string, z.ZodType])[] = [
  ['anchors', 'What a relying party pins beforehand', anchors],
  ['evidence', 'Evidence of one kind for a claim', evidence],
  ['receipt', 'A receipt, version 1', receipt],
  ['request', 'A request with its id', request],
  ['requirement', 'A requirement', requirement],
  ['signed-claim', 'A claim with its commitment lists and signature', signedClaim],
]

const LIMITS =
  'The parser also refuses repeated member names, integers beyond their width, tensors whose data does not fit their shape, ' +
  'requirements of more than 8 leaves, 32 nodes or 8 levels, and texts of more than 8 MiB.'

/** JSON Schema 2020-12 of the wire forms, by file name. Describes what a schema can say; the parser is stricter. */
export const jsonSchemas = (): readonly { readonly file: string; readonly text: string }[] =>
  published.map(([name, title, schema]) => ({
    file: `${name}.schema.json`,
    text: `${JSON.stringify({ title, description: LIMITS, ...z.toJSONSchema(schema, { io: 'input' }) }, null, 2)}\n`,
  }))

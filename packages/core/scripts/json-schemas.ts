/**
 * Writes schema/*.schema.json from the parser's own schemas.
 *
 * Usage: npm run schema -w packages/core
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { jsonSchemas } from '../src/receipt/wire/json-schema.ts'

const directory = fileURLToPath(new URL('../schema/', import.meta.url))
mkdirSync(directory, { recursive: true })
for (const { file, text } of jsonSchemas()) writeFileSync(`${directory}${file}`, text)

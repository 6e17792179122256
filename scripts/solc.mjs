#!/usr/bin/env node
// The npm compiler under the command line that forge expects of a native solc.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

const solc = createRequire(import.meta.url)('solc')

if (process.argv.includes('--version')) {
  console.log(
    `solc, the solidity compiler commandline interface\nVersion: ${solc.version().replace('.Emscripten.clang', '.Linux.g++')}`,
  )
} else {
  process.stdout.write(solc.compile(readFileSync(0, 'utf8')))
}

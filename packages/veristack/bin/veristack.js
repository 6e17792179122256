#!/usr/bin/env node
import { fileURLToPath } from 'node:url'
import { main, processIo } from 'veristack'

const own = fileURLToPath(new URL('..', import.meta.url))
process.exitCode = await main(process.argv.slice(2), processIo(), { own, folder: process.cwd() })

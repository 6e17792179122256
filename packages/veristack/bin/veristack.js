#!/usr/bin/env node
import { fileURLToPath } from 'node:url'
import { endProcess, main, processIo } from 'veristack'

const own = fileURLToPath(new URL('..', import.meta.url))
const io = processIo()
endProcess(await main(process.argv.slice(2), io, { own, folder: process.cwd() }), io)

'use strict'
// Preloaded into a fresh process: appends every module that is resolved, with the module that asked for it, to the file
// that the process' last argument names.
const { appendFileSync } = require('node:fs')
const Module = require('node:module')
const { pathToFileURL } = require('node:url')

const file = process.argv.at(-1)
const asUrl = (name) => (Module.isBuiltin(name) ? `node:${name.replace(/^node:/, '')}` : pathToFileURL(name).href)

// `import`, also of what a `require` turns out to be an ES module.
Module.register(pathToFileURL(require.resolve('./record-loads-hooks.mjs')).href, { data: { file } })

// `require`, which the hooks above do not see.
const resolve = Module._resolveFilename
Module._resolveFilename = function (request, parent, ...rest) {
  const found = resolve.call(this, request, parent, ...rest)
  appendFileSync(
    file,
    `${JSON.stringify({ url: asUrl(found), from: parent?.filename ? asUrl(parent.filename) : null })}\n`,
  )
  return found
}

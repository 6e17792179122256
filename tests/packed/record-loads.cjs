'use strict'
// Preloaded into a fresh process: appends every module that is resolved, with the module that asked for it, to the file
// that RECORD_LOADS names. Node preloads it into the thread of the hooks as well, which has nothing to record of its own.
const { appendFileSync } = require('node:fs')
const Module = require('node:module')
const { pathToFileURL } = require('node:url')
const { isMainThread } = require('node:worker_threads')

const file = process.env.RECORD_LOADS
const asUrl = (name) => (Module.isBuiltin(name) ? `node:${name.replace(/^node:/, '')}` : pathToFileURL(name).href)

if (isMainThread) {
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
}

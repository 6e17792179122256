import { appendFileSync } from 'node:fs'

let file

export function initialize(data) {
  file = data.file
}

export async function resolve(specifier, context, next) {
  const found = await next(specifier, context)
  appendFileSync(file, `${JSON.stringify({ url: found.url, from: context.parentURL ?? null })}\n`)
  return found
}

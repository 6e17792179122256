import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Command, Verifier } from '@veristack/core'
import { fail } from './errors.ts'

/** What a package offers to the command line: module specifiers, named in the `veristack` field of its package.json. */
interface Offer {
  readonly package: string
  readonly commands?: string
  readonly verifiers?: string
  readonly load: (specifier: string) => Promise<unknown>
}

/** Packages that this command line depends on, then those that the folder's package.json names. */
export async function discover(roots: readonly string[]): Promise<readonly Offer[]> {
  const offers = new Map<string, Offer>()
  for (const root of roots) {
    const manifest = await readJson(join(root, 'package.json'))
    if (manifest === undefined) continue
    const require = createRequire(join(root, 'package.json'))
    for (const name of Object.keys({ ...record(manifest.dependencies), ...record(manifest.devDependencies) })) {
      if (offers.has(name)) continue
      const entry = await veristackEntry(require, name)
      if (entry !== undefined)
        offers.set(name, { package: name, ...entry, load: (specifier) => load(require, specifier) })
    }
  }
  return [...offers.values()]
}

async function veristackEntry(
  require: NodeJS.Require,
  name: string,
): Promise<{ commands?: string; verifiers?: string } | undefined> {
  let path: string
  try {
    path = require.resolve(`${name}/package.json`)
  } catch {
    // Not installed, or it does not let others see its package.json: then it offers nothing.
    return undefined
  }
  const entry = record((await readJson(path))?.veristack)
  const text = (key: string): string | undefined => {
    const value = entry[key]
    if (value === undefined) return undefined
    if (typeof value !== 'string' || !(value === name || value.startsWith(`${name}/`))) {
      throw fail('VS_CLI_PLUGIN', {
        details: { package: name, field: `veristack.${key}`, expected: `a module of ${name}`, got: String(value) },
      })
    }
    return value
  }
  const commands = text('commands')
  const verifiers = text('verifiers')
  if (commands === undefined && verifiers === undefined) return undefined
  return { ...(commands === undefined ? {} : { commands }), ...(verifiers === undefined ? {} : { verifiers }) }
}

async function load(require: NodeJS.Require, specifier: string): Promise<unknown> {
  try {
    return await import(pathToFileURL(require.resolve(specifier)).href)
  } catch (cause) {
    throw fail('VS_CLI_PLUGIN', {
      details: { module: specifier, reason: cause instanceof Error ? cause.message : String(cause) },
      cause,
    })
  }
}

async function readJson(path: string): Promise<Readonly<Record<string, unknown>> | undefined> {
  try {
    return record(JSON.parse(await readFile(path, 'utf8')))
  } catch {
    return undefined
  }
}

const record = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {}

function exported<T>(
  module: unknown,
  name: string,
  specifier: string,
  isOne: (value: unknown) => boolean,
): readonly T[] {
  // A CJS build that is imported has its exports under `default` as well.
  const holder = record(module)
  const list = holder[name] ?? record(holder.default)[name]
  if (!Array.isArray(list) || !list.every(isOne)) {
    throw fail('VS_CLI_PLUGIN', { details: { module: specifier, expected: `an export named ${name}` } })
  }
  return list as readonly T[]
}

interface PluginCommands {
  readonly commands: readonly Command[]
  /** Why packages offer none after all. One that is broken must not take the others' commands away. */
  readonly failures: readonly unknown[]
}

/** Every command that a package offers. A name belongs to the first package that has it. */
export async function pluginCommands(offers: readonly Offer[]): Promise<PluginCommands> {
  const commands = new Map<string, Command>()
  const failures: unknown[] = []
  for (const { package: name, commands: specifier, load } of offers) {
    if (specifier === undefined) continue
    try {
      const isCommand = (v: unknown) => typeof record(v).run === 'function' && typeof record(v).name === 'string'
      const offered = exported<Command>(await load(specifier), 'commands', specifier, isCommand)
      const taken = offered.find((c) => commands.has(c.name))
      if (taken !== undefined)
        throw fail('VS_CLI_PLUGIN', {
          details: { package: name, field: `command ${taken.name}`, expected: 'a name that no other package has' },
        })
      for (const command of offered) commands.set(command.name, command)
    } catch (error) {
      failures.push(error)
    }
  }
  return { commands: [...commands.values()], failures }
}

/**
 * Every verifier that a package offers: its pure subpath, without what proving needs. A kind or tier has one package to
 * judge it, the first: another one would decide in its name.
 */
export async function pluginVerifiers(offers: readonly Offer[]): Promise<readonly Verifier[]> {
  const owners = new Map<string, string>()
  const found: Verifier[] = []
  for (const { package: name, verifiers: specifier, load } of offers) {
    if (specifier === undefined) continue
    const list = exported<Verifier>(
      await load(specifier),
      'verifiers',
      specifier,
      (v) => typeof record(v).verify === 'function',
    )
    for (const verifier of list) {
      for (const what of [`kind ${verifier.kind}`, `tier ${verifier.tier}`]) {
        const owner = owners.get(what) ?? name
        if (owner !== name)
          throw fail('VS_CLI_PLUGIN', { details: { package: name, field: what, expected: `only ${owner} judges it` } })
        owners.set(what, owner)
      }
      found.push(verifier)
    }
  }
  return found
}

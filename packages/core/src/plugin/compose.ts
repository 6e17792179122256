import { createWiring, type Wiring } from '../di.ts'
import { fail, isVeristackError } from '../errors/index.ts'
import type { Host, Plugin, Role, Roles } from './roles.ts'

/** Roles of which a stack has at most one implementation. */
const SINGLE: ReadonlySet<Role> = new Set(['scheduler', 'settler', 'blobs', 'records', 'signer', 'chain', 'jobs'])

/** What tells the implementations of a many-role apart; two with the same answer are refused. */
const IDENTITY: { readonly [R in Role]?: (implementation: Roles[R]) => string } = {
  committer: (c) => c.scheme,
  prover: (p) => p.kind,
  verifier: (v) => v.kind,
  onchain: (o) => o.kind,
  service: (s) => s.name,
}

export interface Composition {
  readonly host: Host
  start(signal: AbortSignal): Promise<void>
  /** In reverse order. Every plugin is stopped, even when one fails; the first failure is thrown at the end. */
  stop(): Promise<void>
}

/** Registers plugins on a host of their own. `defaults` fill roles that no plugin provides. */
export function compose(
  plugins: readonly Plugin[],
  defaults: { readonly [R in Role]?: (host: Host) => Roles[R] },
): Composition {
  const wiring = createWiring()
  const providers = new Map<Role, string[]>()
  const host = hostOf(wiring)

  for (const plugin of plugins) register(plugin, host, wiring, providers)
  for (const [role, make] of Object.entries(defaults) as [Role, (host: Host) => never][]) {
    if (!providers.has(role)) wiring.bind(role, () => make(host))
  }
  refuseDuplicates(host, providers)
  return { host, ...lifecycle(plugins, wiring) }
}

function hostOf(wiring: Wiring): Host {
  return {
    use: (role) => {
      const [found] = wiring.resolve(role)
      if (found === undefined) throw fail('VS_CORE_MISSING_ROLE', { details: { role } })
      return found
    },
    all: (role) => wiring.resolve(role),
    provide: (role) => {
      throw fail('VS_CORE_ROLE_NOT_DECLARED', {
        message: `'${role}' was provided after register() had returned`,
        details: { role },
      })
    },
  }
}

function register(plugin: Plugin, host: Host, wiring: Wiring, providers: Map<Role, string[]>): void {
  // Read as unknown: the version is exactly what an old or new plugin may have otherwise than its type says.
  const version: unknown = plugin.specificationVersion
  if (version !== 'v1') {
    throw fail('VS_CORE_UNSUPPORTED_SPECIFICATION', {
      details: { plugin: plugin.name, expected: 'v1', got: String(version) },
    })
  }
  const provided = new Set<Role>()
  let open = true
  plugin.register({
    ...host,
    provide: (role, make) => {
      if (!open) host.provide(role, make)
      if (!plugin.provides.includes(role)) {
        throw fail('VS_CORE_ROLE_NOT_DECLARED', {
          details: { plugin: plugin.name, role, declared: plugin.provides.join(', ') },
        })
      }
      const before = providers.get(role) ?? []
      if (SINGLE.has(role) && before.length > 0) {
        throw fail('VS_CORE_DUPLICATE_ROLE', { details: { role, plugins: [...before, plugin.name].join(', ') } })
      }
      providers.set(role, [...before, plugin.name])
      provided.add(role)
      wiring.bind(role, () => make(host))
    },
  })
  open = false
  const missing = plugin.provides.find((role) => !provided.has(role))
  if (missing !== undefined) {
    throw fail('VS_CORE_ROLE_NOT_DECLARED', {
      message: `'${plugin.name}' declares a role that it did not provide`,
      details: { plugin: plugin.name, role: missing },
    })
  }
}

function refuseDuplicates(host: Host, providers: ReadonlyMap<Role, readonly string[]>): void {
  const check = <R extends Role>(role: R, identity: (implementation: Roles[R]) => string): void => {
    const seen = new Set<string>()
    for (const implementation of host.all(role)) {
      const id = identity(implementation)
      if (seen.has(id)) {
        throw fail('VS_CORE_DUPLICATE_ROLE', {
          details: { role, of: id, plugins: (providers.get(role) ?? []).join(', ') },
        })
      }
      seen.add(id)
    }
  }
  for (const role of Object.keys(IDENTITY) as Role[]) {
    const identity = IDENTITY[role] as ((implementation: Roles[Role]) => string) | undefined
    if (identity !== undefined) check(role, identity)
  }
}

/** With what the cause says: few print an error's cause. */
function failed({ name }: Plugin, during: 'start' | 'stop', cause: unknown) {
  const known = isVeristackError(cause) ? cause : undefined
  const said = known?.shortMessage ?? (cause instanceof Error ? cause.message : String(cause))
  return fail('VS_CORE_PLUGIN_FAILED', {
    message: `The plugin ${name} failed at its ${during}: ${said.split('\n', 1)[0]}`,
    details: { ...known?.details, code: known?.code, plugin: name, during },
    cause,
  })
}

function lifecycle(plugins: readonly Plugin[], wiring: Wiring): Omit<Composition, 'host'> {
  const started: Plugin[] = []
  const stop = async (): Promise<void> => {
    const failures: unknown[] = []
    for (let plugin = started.pop(); plugin !== undefined; plugin = started.pop()) {
      try {
        await plugin.stop?.()
      } catch (cause) {
        failures.push(failed(plugin, 'stop', cause))
      }
    }
    wiring.close()
    if (failures.length > 0) throw failures[0]
  }
  return {
    stop,
    start: async (signal) => {
      for (const plugin of plugins) {
        // Before start, so that what a failing start has opened is closed too.
        started.push(plugin)
        try {
          signal.throwIfAborted()
          await plugin.start?.(signal)
        } catch (cause) {
          await stop().catch(() => undefined)
          throw failed(plugin, 'start', cause)
        }
      }
    },
  }
}

import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'

/** A process, and where it runs: a process id means something in one PID namespace of one system since its last start. */
export interface Holder {
  readonly process: number
  readonly host: string
  /** When the process was started, in clock ticks of its system. */
  readonly started?: string
  /** A random id that a system has from one start to the next. */
  readonly boot?: string
  /** Its PID namespace. */
  readonly pids?: string
  /** Of the installation: the same after a restart. */
  readonly machine?: string
}

/** `unknown`: it runs, or ran, where this process can not look. */
export type Fate = 'alive' | 'dead' | 'unknown'

/** PROC_PID_INIT_INO of Linux: the namespace of processes that are in no container. */
const OUTSIDE_CONTAINERS = 'pid:[4026531836]'

/** This process. Systems without /proc say less. */
export function thisHolder(): Holder {
  const known = {
    started: statOf(process.pid)?.started,
    boot: text('/proc/sys/kernel/random/boot_id'),
    pids: orUndefined(() => readlinkSync('/proc/self/ns/pid')),
    machine: text('/etc/machine-id'),
  }
  const said = Object.fromEntries(Object.entries(known).filter(([, value]) => value !== undefined))
  return { process: process.pid, host: hostname(), ...said }
}

/** What has become of a process. `dead` only where it can not be otherwise. */
export function fateOf(holder: Holder, here: Holder = thisHolder()): Fate {
  if (holder.host !== here.host) return 'unknown'
  // Without /proc there are no namespaces either.
  if (holder.boot === undefined && here.boot === undefined) return isRunning(holder.process) ? 'alive' : 'dead'
  if (holder.boot === undefined || here.boot === undefined) return 'unknown'
  if (holder.boot === here.boot) {
    return holder.pids === undefined || holder.pids !== here.pids ? 'unknown' : besideThis(holder)
  }
  const outside = holder.pids === OUTSIDE_CONTAINERS && here.pids === OUTSIDE_CONTAINERS
  const isSameMachine = holder.machine !== undefined && holder.machine === here.machine
  // The machine was started anew since. In a container a name and an id may be those of an image.
  return outside && isSameMachine ? 'dead' : 'unknown'
}

function besideThis(holder: Holder): Fate {
  if (!isRunning(holder.process)) return 'dead'
  const now = statOf(holder.process)
  if (now === undefined) return 'alive'
  const isAnother = holder.started !== undefined && holder.started !== now.started
  // Z: killed, and not yet taken note of by its parent.
  return isAnother || now.state === 'Z' ? 'dead' : 'alive'
}

function isRunning(id: number): boolean {
  try {
    process.kill(id, 0)
    return true
  } catch (error) {
    return !(typeof error === 'object' && error !== null && 'code' in error && error.code === 'ESRCH')
  }
}

/** https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html: the name in parentheses may hold anything. */
function statOf(id: number): { readonly state: string; readonly started: string } | undefined {
  const line = text(`/proc/${id}/stat`)
  const [state, ...fields] = line?.slice(line.lastIndexOf(')') + 2).split(' ') ?? []
  const started = fields[18]
  return state === undefined || started === undefined ? undefined : { state, started }
}

const text = (path: string): string | undefined => orUndefined(() => readFileSync(path, 'utf8').trim() || undefined)

function orUndefined<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}

/** Undefined for anything that {@link thisHolder} does not give. */
export function parseHolder(raw: unknown): Holder | undefined {
  if (typeof raw !== 'object' || raw === null) return undefined
  const { process: id, host, started, boot, pids, machine } = raw as Readonly<Record<string, unknown>>
  if (typeof id !== 'number' || !Number.isSafeInteger(id) || id < 1 || typeof host !== 'string') return undefined
  const given = Object.entries({ started, boot, pids, machine }).filter(([, value]) => value !== undefined)
  if (given.some(([, value]) => typeof value !== 'string')) return undefined
  return { process: id, host, ...(Object.fromEntries(given) as Omit<Holder, 'process' | 'host'>) }
}

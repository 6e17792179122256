import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export const root = join(import.meta.dirname, '..')

/** The parts of a package.json that the workspace's own tools read. */
export interface Manifest {
  readonly name: string
  readonly private?: boolean
  readonly type?: string
  readonly bin?: string | Readonly<Record<string, string>>
  readonly exports?: Readonly<Record<string, unknown>>
  readonly scripts?: Readonly<Record<string, string>>
}

export interface Package {
  readonly folder: string
  readonly manifest: Manifest
}

/** Every published package, by name. */
export const publicPackages = (): readonly Package[] =>
  readdirSync(join(root, 'packages'))
    .map((name) => join(root, 'packages', name))
    .filter((folder) => existsSync(join(folder, 'package.json')))
    .map((folder) => ({ folder, manifest: JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest }))
    .filter(({ manifest }) => !manifest.private)
    .sort((a, b) => (a.manifest.name < b.manifest.name ? -1 : 1))

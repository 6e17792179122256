import { readdir, readFile } from 'node:fs/promises'
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
export const publicPackages = async (): Promise<readonly Package[]> => {
  const found: Package[] = []
  for (const entry of await readdir(join(root, 'packages'), { withFileTypes: true })) {
    if (!entry.isDirectory()) continue
    const folder = join(root, 'packages', entry.name)
    const text = await readFile(join(folder, 'package.json'), 'utf8').catch(() => undefined)
    if (text === undefined) continue
    const manifest = JSON.parse(text) as Manifest
    if (!manifest.private) found.push({ folder, manifest })
  }
  return found.sort((a, b) => (a.manifest.name < b.manifest.name ? -1 : 1))
}

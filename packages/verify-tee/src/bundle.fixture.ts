import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'

export const VENDORS = ['intel', 'nitro', 'sev-snp', 'nvidia'] as const
export const MOST_BUNDLE_BYTES = 150_000
export type VendorPath = (typeof VENDORS)[number]

export interface BrowserBundle {
  /** Minified and compressed. */
  readonly bytes: number
  readonly warnings: readonly string[]
  /** Paths of what is in it. */
  readonly inputs: readonly string[]
  /** What it would import when it runs. */
  readonly external: readonly string[]
}

/** One vendor's subpath, as a browser would load it. What a browser has not, such as node:crypto, fails the build. */
export async function browserBundle(vendor: VendorPath): Promise<BrowserBundle> {
  const { outputFiles, metafile, warnings } = await build({
    entryPoints: [join(import.meta.dirname, vendor, 'index.ts')],
    bundle: true,
    minify: true,
    write: false,
    metafile: true,
    format: 'esm',
    platform: 'browser',
    conditions: ['@veristack/source'],
    logLevel: 'silent',
  })
  return {
    bytes: gzipSync(outputFiles[0]?.contents ?? '').length,
    warnings: warnings.map(({ text }) => text),
    inputs: Object.keys(metafile.inputs),
    external: Object.values(metafile.inputs).flatMap(({ imports }) =>
      imports.filter(({ external }) => external === true).map(({ path }) => path),
    ),
  }
}

import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'

const MOST_BYTES = 150_000

test.each(['intel', 'nitro', 'sev-snp', 'nvidia'])(
  '%s bundles for browsers, small and without Node',
  async (vendor) => {
    const { outputFiles, metafile, warnings } = await build({
      entryPoints: [join(__dirname, vendor, 'index.ts')],
      bundle: true,
      minify: true,
      write: false,
      metafile: true,
      format: 'esm',
      // What a browser has not, such as node:crypto, can not be resolved there and fails the build.
      platform: 'browser',
      conditions: ['@veristack/source'],
      logLevel: 'silent',
    })
    const bytes = gzipSync(outputFiles[0]?.contents ?? '').length
    process.stderr.write(`${vendor} in a browser: ${(bytes / 1000).toFixed(1)} kB minified and compressed\n`)
    expect(warnings).toEqual([])
    expect(bytes).toBeLessThanOrEqual(MOST_BYTES)
    const imported = Object.values(metafile.inputs).flatMap(({ imports }) => imports)
    expect(imported.filter(({ external }) => external === true)).toEqual([])
    // Each vendor alone.
    const others = ['intel', 'nitro', 'sev-snp', 'nvidia'].filter((name) => name !== vendor)
    const strangers = Object.keys(metafile.inputs).filter((path) =>
      others.some((name) => path.includes(`/src/${name}/`)),
    )
    expect(strangers).toEqual([])
  },
)

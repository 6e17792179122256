import vm from 'node:vm'
import { build } from 'esbuild'

// What pages and workers have and a bare VM context lacks. Typed arrays are this realm's, as TextEncoder returns them.
const BROWSER = {
  AbortController,
  AbortSignal,
  ArrayBuffer,
  atob,
  BigInt64Array,
  BigUint64Array,
  btoa,
  clearTimeout,
  console,
  crypto,
  DataView,
  Event,
  EventTarget,
  Int32Array,
  performance,
  queueMicrotask,
  setTimeout,
  structuredClone,
  TextDecoder,
  TextEncoder,
  Uint8Array,
  Uint32Array,
  URL,
}

/** What a browser would load, in a context that has nothing of Node. */
export interface Page {
  /** Everything that went into the bundle. */
  readonly modules: readonly string[]
  /** Evaluates a script; the bundle is `veristack`, the exports of the i-th entry `veristack.m{i}`. */
  run(script: string): unknown
}

export const openPage = async (folder: string, entries: readonly string[]): Promise<Page> => {
  const { metafile, outputFiles } = await build({
    stdin: {
      contents: entries.map((specifier, i) => `export * as m${i} from '${specifier}'`).join('\n'),
      resolveDir: folder,
    },
    absWorkingDir: folder,
    bundle: true,
    format: 'iife',
    globalName: 'veristack',
    logLevel: 'silent',
    metafile: true,
    platform: 'browser',
    target: 'es2022',
    write: false,
  })
  const context = vm.createContext({ ...BROWSER })
  vm.runInContext(`${outputFiles[0]?.text}\nglobalThis.veristack = veristack`, context)
  return { modules: Object.keys(metafile.inputs), run: (script) => vm.runInContext(script, context) }
}

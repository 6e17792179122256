import { defineConfig } from 'tsup'

/** The quickstart, and the example for others to import, for Node without a loader; `../model/` lies beside `dist` as it does beside `src`. */
export default defineConfig({
  entry: { index: 'src/index.ts', quickstart: 'scripts/quickstart.ts' },
  format: ['esm'],
  target: 'es2022',
  platform: 'node',
  skipNodeModulesBundle: true,
  clean: true,
})

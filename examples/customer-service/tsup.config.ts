import { defineConfig } from 'tsup'

/** The quickstart alone, as a program that Node runs without a loader; `../model/` lies beside `dist` as it does beside `src`. */
export default defineConfig({
  entry: { quickstart: 'scripts/quickstart.ts' },
  format: ['esm'],
  target: 'es2022',
  platform: 'node',
  skipNodeModulesBundle: true,
  clean: true,
})

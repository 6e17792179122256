import { defineConfig } from 'tsup'

/** The demonstration, as a program that Node runs without a loader. */
export default defineConfig({
  entry: { demo: 'scripts/demo.ts' },
  format: ['esm'],
  target: 'es2022',
  platform: 'node',
  skipNodeModulesBundle: true,
  clean: true,
})

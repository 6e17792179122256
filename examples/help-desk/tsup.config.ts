import { defineConfig } from 'tsup'

/** The demonstration and its parts, as programs that Node runs without a loader. */
export default defineConfig({
  entry: { demo: 'scripts/demo.ts', shop: 'scripts/shop.ts', node: 'scripts/node.ts', ask: 'scripts/ask.ts' },
  format: ['esm'],
  target: 'es2022',
  platform: 'node',
  skipNodeModulesBundle: true,
  clean: true,
})

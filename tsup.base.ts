import { defineConfig } from 'tsup'

/** ESM and CJS with types for both; dependencies stay imports, so that one copy of each is loaded. */
export const library = (entry: Record<string, string>) =>
  defineConfig({
    entry,
    format: ['esm', 'cjs'],
    // The sources are resolved through the built packages here, as a consumer's compiler would.
    dts: { compilerOptions: { customConditions: [], incremental: false } },
    target: 'es2022',
    platform: 'neutral',
    splitting: true,
    skipNodeModulesBundle: true,
    sourcemap: true,
    clean: true,
    // Disposal symbols are lowered by esbuild: Node 20 does not parse `await using`.
    external: [/^node:/],
  })

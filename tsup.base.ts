import { defineConfig } from 'tsup'

/** ESM and CJS with types for both; every import of another package stays an import, so that one copy of it is loaded. */
export const library = (entry: Record<string, string>) =>
  defineConfig({
    entry,
    format: ['esm', 'cjs'],
    // Packages are resolved through their built types, as a consumer's compiler would: no condition points at sources.
    dts: { compilerOptions: { customConditions: [], incremental: false } },
    target: 'es2022',
    platform: 'neutral',
    splitting: true,
    // Rollup writes the CJS form. Without it tsup asks sucrase, which turns every `a ?? b` into a closure call.
    treeshake: true,
    skipNodeModulesBundle: true,
    external: [/^node:/],
    sourcemap: true,
    clean: true,
  })

import { library } from '../../tsup.base.ts'

// The executable imports the package by its name: one copy of everything.
export default [
  library({ index: 'src/index.ts' }),
  { ...library({ bin: 'src/bin.ts' }), format: 'esm', dts: false, clean: false },
]

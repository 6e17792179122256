import { library } from '../../tsup.base.ts'

// The local chain is found from this package's own place; shims give the CommonJS build an import.meta.url.
export default { ...library({ index: 'src/index.ts', local: 'src/local/index.ts' }), shims: true }

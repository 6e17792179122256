import { library } from '../../tsup.base.ts'

export default library({ index: 'src/index.ts', receipt: 'src/receipt/index.ts', testing: 'src/testing/index.ts' })

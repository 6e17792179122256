import { library } from '../../tsup.base.ts'

export default library({ index: 'src/index.ts', commands: 'src/commands/index.ts' })

import { library } from '../../tsup.base.ts'

export default library({
  index: 'src/index.ts',
  intel: 'src/intel/index.ts',
  nitro: 'src/nitro/index.ts',
  'sev-snp': 'src/sev-snp/index.ts',
  nvidia: 'src/nvidia/index.ts',
  commands: 'src/commands/index.ts',
})

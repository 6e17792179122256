import type { CommandIo, Plugin } from '@veristack/core'
import { onnx } from '@veristack/executor-onnx'
import { evm } from '@veristack/settlement-evm'
import { zkml } from '@veristack/verify-zkml'
import { fail } from '../errors.ts'
import { warn } from '../terminal/line.ts'

/** What the command line composes: onnxruntime, development keys, and a chain of its own or none. */
export function standardPlugins(network: string, io: CommandIo): readonly Plugin[] {
  const plugins = [onnx(), zkml({ keys: 'development', notice: (reason) => warn(io, reason) })]
  if (network === 'none') return plugins
  if (network === 'local') return [...plugins, evm({ network: 'local' })]
  throw fail('VS_CLI_USAGE', { details: { field: '--network', expected: 'local or none', got: network } })
}

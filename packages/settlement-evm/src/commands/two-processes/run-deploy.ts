// The command on a local chain, as a process that can be killed: `run-deploy.ts RPC_URL FOLDER`.
import { deployCommand } from '../deploy.ts'

const [, , rpcUrl = '', cwd = ''] = process.argv
process.exitCode = await deployCommand.run(['--network', 'local', '--rpc-url', rpcUrl], {
  out: () => undefined,
  err: (text) => void process.stderr.write(text),
  cwd,
  signal: new AbortController().signal,
  isTerminal: false,
})

import { join } from 'node:path'
import {
  createStack,
  directoryBlobs,
  directoryRecords,
  type Hex,
  localSigner,
  type Plugin,
  type Stack,
} from '@veristack/core'
import { evm, type IntakeListener, type IntakeOptions, intake } from '@veristack/settlement-evm'
import { answering, loadModel } from './model.ts'
import { inputsOf } from './words.ts'

export interface NodeOptions extends Partial<Omit<IntakeOptions, 'settlement' | 'serves' | 'directory'>> {
  readonly rpcUrl: string
  /** Of the account that submits, and that claims and is paid. */
  readonly privateKey: Hex
  /** Everything that the node must not forget: keys, jobs, what it sent, how far it read. */
  readonly directory: string
  /** Of the keys alone; default: below `directory`. `shared` is where this machine's other stacks keep theirs. */
  readonly keys?: 'shared'
  readonly listener: IntakeListener
}

/** A node that answers help desks. It knows a chain and nobody. */
export async function startNode({
  rpcUrl,
  privateKey,
  directory,
  keys,
  listener,
  ...options
}: NodeOptions): Promise<Stack> {
  const model = await loadModel()
  const settlement = evm({ rpcUrl, signer: privateKey, journalDirectory: join(directory, 'journal') })
  const answers = intake({
    ...options,
    settlement,
    directory: join(directory, 'intake'),
    serves: [{ program: model.program, applications: [model.application], inputsOf: inputsOf(model) }],
  })
  answers.subscribe(listener)
  return createStack({
    plugins: [
      ...answering(keys === 'shared' ? undefined : join(directory, 'keys')),
      kept(directory, privateKey),
      settlement,
      answers,
    ],
  })
}

/** Jobs that outlive the process, and the identity that claims. */
const kept = (directory: string, privateKey: Hex): Plugin => ({
  specificationVersion: 'v1',
  name: 'help-desk/kept',
  version: '0.1.0',
  provides: ['blobs', 'records', 'signer'],
  register: (host) => {
    host.provide('blobs', () => directoryBlobs(join(directory, 'blobs')))
    host.provide('records', () => directoryRecords(join(directory, 'records')))
    host.provide('signer', () => localSigner(privateKey))
  },
})

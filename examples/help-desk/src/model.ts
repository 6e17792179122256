import { type Plugin, type Publishable, type Tensor, tensorSpec } from '@veristack/core'
import { onnx } from '@veristack/executor-onnx'
import { decodeProgram, interpret, programId, quantiseInputs } from '@veristack/integer-model'
import { zkml } from '@veristack/verify-zkml'
import { type Example, loadExample } from '@veristack-examples/customer-service'

/** What customer and node must agree on, beside the contract: program, features, and who may see what. */
export interface Model extends Pick<Example, 'application' | 'labels' | 'featurise'> {
  readonly program: Publishable
  readonly labelTensor: string
  /** The label of those who want their money back. */
  readonly refundLabel: number
}

export async function loadModel(): Promise<Model> {
  const { program: bytes, application, labels, featurise } = await loadExample()
  const program = decodeProgram(bytes)
  const label = interpret(program, quantiseInputs(program, [featurise('any words')])).find(
    (t: Tensor) => t.name === 'label',
  )
  const refundLabel = labels.findIndex((l) => l.intent === 'request_refund')
  if (label === undefined || refundLabel < 0) throw new Error('the model has no label for refunds')
  return {
    program: { id: programId(program), semantics: 'integer/v1', bytes },
    application,
    labels,
    featurise,
    labelTensor: tensorSpec(label),
    refundLabel,
  }
}

/**
 * Executor and proofs. The words are public, so that the commitment of their features is not salted: whoever reads them
 * recomputes it. The keys are for development: whoever makes them can forge proofs.
 */
export const answering = (cacheDirectory?: string): readonly Plugin[] => [
  onnx(),
  zkml({
    keys: 'development',
    visibility: { inputs: 'public' },
    ...(cacheDirectory === undefined ? {} : { cacheDirectory, cacheSecretFile: `${cacheDirectory}.secret` }),
  }),
]

import type { Tensor } from '@veristack/core/receipt'
import { fail } from '../errors.ts'
import { count, sameShape, showShape } from '../primitives/index.ts'
import { readElements } from '../program/border.ts'

/** One set of inputs, by name: float32 or float64 tensors of the model's shapes, a batch of one. */
export type Sample = Readonly<Record<string, Tensor>>

/** A tensor of real numbers. */
export interface Real {
  readonly shape: readonly number[]
  readonly data: Float64Array
}

export interface Port {
  readonly name: string
  readonly shape: readonly number[]
}

/** The sample's tensors as real numbers. Throws `VS_MODEL_INVALID_CALIBRATION`. */
export function readSample(ports: readonly Port[], sample: Sample, index: number): Map<string, Real> {
  const refuse = (field: string, expected: string, got: string) =>
    fail('VS_MODEL_INVALID_CALIBRATION', { details: { sample: index, field, expected, got } })
  const unknown = Object.keys(sample).find((name) => !ports.some((p) => p.name === name))
  if (unknown !== undefined) throw refuse(unknown, ports.map((p) => p.name).join(', '), 'an unknown name')
  return new Map(
    ports.map(({ name, shape }) => {
      const tensor = Object.hasOwn(sample, name) ? sample[name] : undefined
      if (tensor === undefined) throw refuse(name, 'a tensor', 'none')
      if (tensor.type !== 'float32' && tensor.type !== 'float64') throw refuse(name, 'float32 or float64', tensor.type)
      if (!sameShape(tensor.shape, shape)) throw refuse(name, showShape(shape), showShape(tensor.shape))
      const data = readElements(tensor, count(shape), name)
      if (!data.every(Number.isFinite)) throw refuse(name, 'finite numbers', 'NaN or infinity')
      return [name, { shape, data }]
    }),
  )
}

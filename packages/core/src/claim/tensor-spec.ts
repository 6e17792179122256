import { fail } from '../errors/index.ts'
import { show } from './hex.ts'
import { checkTensorName, ELEMENT_BYTES, type ElementType, type Tensor } from './tensor.ts'

/** What a claim binds of a tensor beside its elements. */
export type TensorSpec = Pick<Tensor, 'name' | 'type' | 'shape'>

/**
 * What a commitment list calls a tensor: `int32[1x77]:logits`. Type and shape come first and hold no colon, so that the
 * first one ends them and the name may hold more.
 */
export const tensorSpec = (t: TensorSpec): string => `${t.type}[${t.shape.join('x')}]:${t.name}`

/** Several tensors under one commitment, in order. */
export const tensorSpecs = (list: readonly TensorSpec[]): string => list.map(tensorSpec).join(',')

const SPEC = /^([a-z]+[0-9]*)\[((?:0|[1-9][0-9]{0,9})(?:x(?:0|[1-9][0-9]{0,9}))*)?\]:/

/** The inverse of {@link tensorSpec}. Throws `VS_CORE_INVALID_DATA` for any other text. */
export function parseTensorSpec(text: string): TensorSpec {
  const [prefix = '', type = '', dimensions = ''] = SPEC.exec(text) ?? []
  const shape = dimensions === '' ? [] : dimensions.split('x').map(Number)
  if (!isElementType(type) || shape.length > 8 || shape.some((d) => d > 0x7fffffff)) {
    throw fail('VS_CORE_INVALID_DATA', {
      details: { field: 'tensor', expected: 'type[d0xd1...]:name, as in int32[1x77]:logits', got: show(text) },
    })
  }
  return { name: checkTensorName(text.slice(prefix.length), 'tensor'), type, shape }
}

/** The inverse of {@link tensorSpecs}: one or more. */
export const parseTensorSpecs = (text: string): readonly TensorSpec[] => text.split(',').map(parseTensorSpec)

const isElementType = (type: string): type is ElementType => Object.hasOwn(ELEMENT_BYTES, type)

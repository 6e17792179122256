import { type ElementType, elementCount, type Json, type Tensor, tensor } from '@veristack/core'
import { fail } from '../errors.ts'

export interface InputShape {
  readonly name: string
  readonly shape: readonly number[]
}

/**
 * Tensors from JSON: an object of arrays by input name, nested or flat in row-major order. A model with a single input
 * may be given the array alone.
 */
export function parseFeeds(
  text: string,
  inputs: readonly InputShape[],
  source: string,
  type: ElementType = 'float32',
): readonly Tensor[] {
  let json: Json
  try {
    json = JSON.parse(text) as Json
  } catch (cause) {
    throw fail('VS_CLI_INPUT', {
      details: { file: source, expected: 'JSON', reason: cause instanceof Error ? cause.message : String(cause) },
      cause,
    })
  }
  const [only] = inputs
  const byName = Array.isArray(json) && inputs.length === 1 && only !== undefined ? { [only.name]: json } : json
  if (typeof byName !== 'object' || byName === null || Array.isArray(byName)) {
    throw fail('VS_CLI_INPUT', {
      details: { file: source, expected: 'an object of arrays by input name', got: kindOf(json) },
    })
  }
  const feeds: Readonly<Record<string, Json>> = byName as Readonly<Record<string, Json>>
  const unknown = Object.keys(feeds).find((name) => !inputs.some((i) => i.name === name))
  if (unknown !== undefined) {
    throw fail('VS_CLI_INPUT', {
      details: {
        file: source,
        field: unknown,
        expected: inputs.map((i) => i.name).join(', '),
        got: 'an unknown input',
      },
    })
  }
  return inputs.map(({ name, shape }) => {
    const values = flatten(feeds[name], `${source}: ${name}`)
    if (values.length !== elementCount(shape)) {
      throw fail('VS_CLI_INPUT', {
        details: {
          file: source,
          field: name,
          expected: `${elementCount(shape)} numbers for shape [${shape.join(', ')}]`,
          got: values.length,
        },
      })
    }
    return tensor(name, type, shape, values)
  })
}

function flatten(value: Json | undefined, field: string): number[] {
  if (value === undefined)
    throw fail('VS_CLI_INPUT', { details: { field, expected: 'an array of numbers', got: 'nothing' } })
  const out: number[] = []
  const walk = (v: Json): void => {
    if (typeof v === 'number' && Number.isFinite(v)) out.push(v)
    else if (Array.isArray(v)) v.forEach(walk)
    else throw fail('VS_CLI_INPUT', { details: { field, expected: 'finite numbers', got: kindOf(v) } })
  }
  walk(value)
  return out
}

const kindOf = (v: Json): string =>
  v === null
    ? 'null'
    : Array.isArray(v)
      ? 'an array'
      : typeof v === 'object'
        ? 'an object'
        : JSON.stringify(v).slice(0, 40)

import { fail } from '../errors.ts'
import type { OnnxModel, OnnxNode, OnnxPort, OnnxTensor } from '../onnx/index.ts'
import { count } from '../primitives/index.ts'
import { type Fact, type Operator, type Real, Refusal, type Site } from './operator.ts'
import { OPERATORS } from './registry.ts'

/** A node whose result depends on the inputs. */
export interface Step {
  readonly site: Site
  readonly operator: Operator
  /** The tensor that it makes. */
  readonly output: string
}

/** A model of which every node can be lowered, with constants folded and shapes known. */
export interface Plan {
  readonly inputs: readonly { readonly name: string; readonly shape: readonly number[] }[]
  readonly outputs: readonly string[]
  readonly steps: readonly Step[]
  readonly facts: ReadonlyMap<string, Fact>
  /** How many nodes and outputs read each tensor. */
  readonly readers: ReadonlyMap<string, number>
}

/** Elements of one tensor of the model; more would not run in reasonable memory. */
const MAX_ELEMENTS = 2 ** 24

/** Throws one `VS_MODEL_UNSUPPORTED` that names everything in the model that stands in the way. */
export function planModel(model: OnnxModel): Plan {
  const refused: string[] = []
  const facts = new Map<string, Fact>()
  const inputs = model.inputs.flatMap((port) => {
    const shape = fixedShape(port)
    if (typeof shape === 'string') {
      refused.push(shape)
      return []
    }
    facts.set(port.name, { type: port.type ?? 'float32', shape })
    return [{ name: port.name, shape }]
  })
  for (const tensor of model.initializers.values()) {
    const fact = constantFact(tensor)
    if (fact !== undefined) facts.set(tensor.name, fact)
  }
  const steps = model.nodes.flatMap((node) => planNode(node, model, facts, refused))
  if (refused.length > 0) {
    throw fail('VS_MODEL_UNSUPPORTED', {
      details: {
        refused: refused.join('; '),
        'without lowering':
          '@veristack/executor-onnx runs the file as it is (onnx-float/v1); evidence for that needs the plugin of a tier that does not recompute (tee), which has to be installed beside it',
      },
    })
  }
  const outputs = model.outputs.map((o) => o.name)
  const readers = new Map<string, number>()
  for (const name of [...model.nodes.flatMap((n) => n.inputs), ...outputs])
    readers.set(name, (readers.get(name) ?? 0) + 1)
  return { inputs, outputs, steps, facts, readers }
}

function planNode(node: OnnxNode, model: OnnxModel, facts: Map<string, Fact>, refused: string[]): Step[] {
  const refuse = (reason: string): Step[] => {
    refused.push(`${node.operator}${node.name === '' ? '' : ` (${node.name})`}: ${reason}`)
    return []
  }
  const [output] = node.outputs
  if (node.operator === 'Constant') {
    const fact = constantOf(node)
    if (fact === undefined || output === undefined) return refuse('not a tensor of numbers')
    facts.set(output, fact)
    return []
  }
  const operator = OPERATORS.get(node.operator)
  if (operator === undefined) return refuse(`the operator is not supported${wayOn(node, model)}`)
  if (output === undefined || output === '' || node.outputs.length !== 1) return refuse('it does not have one output')
  // What stands on something refused, or on a constant that can not be read, has been told of or will be here.
  const unread = node.inputs.find((name) => name !== '' && !facts.has(name))
  if (unread !== undefined)
    return model.initializers.has(unread) ? refuse(`constant ${unread} is of an unsupported type`) : []
  const infinite = node.inputs.find((name) => facts.get(name)?.constant?.data.some((x) => !Number.isFinite(x)))
  if (infinite !== undefined && node.operator !== 'Clip') return refuse(`constant ${infinite} is not finite`)
  const site: Site = { node, opset: model.opset, operands: node.inputs.map((name) => facts.get(name)) }
  try {
    const fact = operator.infer(site)
    if (fact.shape.some((d) => d < 1) || count(fact.shape) > MAX_ELEMENTS)
      return refuse(`result of shape [${fact.shape.join(', ')}]`)
    const constants = site.operands.map((o) => o?.constant)
    if (constants.some((c, i) => c === undefined && site.operands[i] !== undefined)) {
      facts.set(output, fact)
      return [{ site, operator, output }]
    }
    facts.set(output, { ...fact, constant: operator.evaluate(site, constants) })
    return []
  } catch (reason) {
    if (reason instanceof Refusal) return refuse(reason.reason)
    throw reason
  }
}

/** What grows with its operand: without it, the greatest element is the same one. */
const KEEPS_ORDER: ReadonlySet<string> = new Set(['Softmax', 'LogSoftmax', 'Sigmoid', 'Tanh', 'Softplus'])

/** How to go on where the model only ends with the operator: what is proved then is the value before it. */
function wayOn({ operator, inputs, outputs }: OnnxNode, model: OnnxModel): string {
  const [output = ''] = outputs
  if (!KEEPS_ORDER.has(operator)) return ''
  const readers = model.nodes.filter((n) => n.inputs.includes(output))
  if (!model.outputs.some((o) => o.name === output)) {
    const onlyArgMax = readers.length > 0 && readers.every((n) => n.operator === 'ArgMax')
    return onlyArgMax ? ', but only ArgMax reads it: leave it out, ArgMax gives the same without it' : ''
  }
  return `, but the model ends with it: export the model with ${inputs[0] ?? 'its operand'} as its output (the greatest element stays the same one; apply ${operator} afterwards), or with ArgMax of that for the label`
}

/** The shape of an input with its first axis, the batch, fixed to 1; or what is wrong with it. */
function fixedShape({ name, type, shape }: OnnxPort): readonly number[] | string {
  const refuse = (reason: string): string => `input ${name}: ${reason}`
  if (type !== 'float32' && type !== 'float64') return refuse(`${type ?? 'no tensor type'}, not float`)
  if (shape === undefined) return refuse('its rank is unknown')
  const fixed = shape.map((d, i) => (typeof d === 'number' ? d : i === 0 ? 1 : undefined))
  const open = shape.flatMap((d, i) =>
    typeof d === 'number' || i === 0 ? [] : [`axis ${i} (${d ?? 'without a name'})`],
  )
  if (!fixed.every((d) => d !== undefined)) {
    return refuse(
      `${open.join(', ')} is dynamic: export with a fixed size; only the first axis, the batch, may be dynamic`,
    )
  }
  if (fixed.some((d) => d < 1) || count(fixed) > MAX_ELEMENTS || fixed.length > 8)
    return refuse(`shape [${fixed.join(', ')}]`)
  return fixed
}

function constantFact({ type, shape, values }: OnnxTensor): Fact | undefined {
  return type === undefined || values === undefined ? undefined : { type, shape, constant: { shape, data: values } }
}

function constantOf(node: OnnxNode): Fact | undefined {
  const [[name, attribute] = []] = node.attributes
  if (node.attributes.size !== 1 || attribute === undefined) return undefined
  if (attribute.kind === 'tensor') return constantFact(attribute.value)
  const real = (data: readonly number[], shape: readonly number[]): Real => ({ shape, data: Float64Array.from(data) })
  if (name === 'value_float' && attribute.kind === 'float')
    return { type: 'float32', shape: [], constant: real([attribute.value], []) }
  if (name === 'value_int' && attribute.kind === 'int')
    return { type: 'int64', shape: [], constant: real([attribute.value], []) }
  if (attribute.kind === 'floats')
    return {
      type: 'float32',
      shape: [attribute.value.length],
      constant: real(attribute.value, [attribute.value.length]),
    }
  if (attribute.kind === 'ints')
    return { type: 'int64', shape: [attribute.value.length], constant: real(attribute.value, [attribute.value.length]) }
  return undefined
}

import { isTensorName, RAW_SCHEME } from '@veristack/core/receipt'
import { borderType, type IntegerProgram, type Range } from '@veristack/integer-model'
import { POSEIDON_SCHEME, type Width, widthOf } from '@veristack/integer-model/commit'
import { fail } from '../errors.ts'
import { hull } from '../gadgets/wire.ts'
import {
  type CircuitLayout,
  elements,
  type LayoutEntry,
  type LayoutTensor,
  makeEntry,
  PUBLIC_ELEMENTS,
} from './layout.ts'

/** Who may see what. */
export interface Visibility {
  /** `committed` (the default): a salted commitment hides them. `public`: an unsalted one, which whoever holds them recomputes. */
  readonly inputs?: 'committed' | 'public'
  /**
   * By output name. `public` outputs are posted as they are, five elements in all; `committed` ones under a salted
   * commitment. Left out: public in program order as long as five elements suffice.
   */
  readonly outputs?: Readonly<Record<string, 'committed' | 'public'>>
}

interface Described extends LayoutTensor {
  readonly range: Range
}

/** The commitment lists of a program under a visibility. */
export function layoutOf(program: IntegerProgram, visibility: Visibility = {}): CircuitLayout {
  const inputs = program.inputs.map(described)
  const outputs = portsOf(program).slice(program.inputs.length).map(described)
  checkNames('input', inputs)
  checkNames('output', outputs)
  if (inputs.length === 0) throw unsupported('inputs', 'at least one', 'none')
  for (const name of Object.keys(visibility.outputs ?? {})) {
    if (!outputs.some((o) => o.name === name)) {
      throw fail('VS_ZKML_INVALID_OPTION', {
        details: { field: 'visibility.outputs', expected: outputs.map((o) => o.name).join(' | '), got: name },
      })
    }
  }

  let room = PUBLIC_ELEMENTS
  const isPublic = outputs.map((o) => {
    const asked = visibility.outputs?.[o.name]
    if (asked === 'committed') return false
    const fits = elements(o) <= room
    if (asked === 'public' && !fits) {
      throw unsupported(
        `public output ${o.name}`,
        `${PUBLIC_ELEMENTS} public elements in all`,
        `${elements(o)} more with ${room} left`,
      )
    }
    if (fits) room -= elements(o)
    return fits
  })
  const committed = outputs.filter((_, i) => !isPublic[i])
  return {
    inputs: [poseidonEntry(inputs, visibility.inputs !== 'public')],
    outputs: [
      ...(committed.length === 0 ? [] : [poseidonEntry(committed, true)]),
      ...outputs
        .filter((_, i) => isPublic[i])
        .map((o) => makeEntry(RAW_SCHEME, { ...widthOf(o.range), salted: false }, [strip(o)])),
    ],
  }
}

/** One commitment for all of them, as wide as the widest. */
function poseidonEntry(tensors: readonly Described[], salted: boolean): LayoutEntry {
  return makeEntry(POSEIDON_SCHEME, { ...layoutWidth(tensors), salted }, tensors.map(strip))
}

/** The width that holds every element of all of them. */
export const layoutWidth = (ports: readonly Pick<Port, 'range'>[]): Width => widthOf(hull(ports.map((p) => p.range)))

/** An input or output with what is known of its value. */
export interface Port {
  readonly name: string
  readonly shape: readonly number[]
  readonly range: Range
}

/** Inputs, then outputs, in program order. */
export function portsOf(program: IntegerProgram): readonly Port[] {
  const values = [...program.inputs, ...program.nodes]
  return [
    ...program.inputs,
    ...program.outputs.map(({ name, value }) => {
      const from = values[value]
      if (from === undefined) throw unsupported(`output ${name}`, 'a value of the program', `value ${value}`)
      return { name, shape: from.shape, range: from.range }
    }),
  ]
}

const described = ({ name, shape, range }: Port): Described => ({ name, type: borderType(range), shape, range })
const strip = ({ name, type, shape }: Described): LayoutTensor => ({ name, type, shape: [...shape] })

function checkNames(kind: string, tensors: readonly Described[]): void {
  const names = tensors.map((t) => t.name)
  const bad = names.find((n, i) => !isTensorName(n) || names.indexOf(n) !== i)
  if (bad !== undefined)
    throw unsupported(`${kind} name`, 'distinct, and a name that a commitment list can hold', JSON.stringify(bad))
}

export const unsupported = (field: string, expected: string, got: string) =>
  fail('VS_ZKML_UNSUPPORTED', { details: { field, expected, got } })

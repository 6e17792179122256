import type { ProgramId } from '@veristack/core/receipt'
import {
  chainChunks,
  layoutElement,
  limbsPerElement,
  POSEIDON_TAG,
  programElements,
  type Width,
} from '@veristack/integer-model/commit'
import { fail } from '../errors.ts'
import { type ConstraintSystem, constantForm, type Form, Sum } from '../r1cs/index.ts'
import { poseidon } from './poseidon.ts'
import { decompose } from './range.ts'
import type { Wire } from './wire.ts'

/*
 * Soundness. Every limb is proven to be in [0, 2^width) by bits before it is packed, and floor(248 / width) limbs make
 * one element below 2^248: different values give different elements, none of them wraps, and count and width are in the
 * header. The salt is a free field element; only one below 2^248 can be opened.
 */

/** Values are packed in two steps, so that only one signal per group has coefficients of full length. */
const GROUP_BITS = 24

/** `poseidon-bn254/v1` of the wires: a form that equals the commitment. */
export function commitment(
  cs: ConstraintSystem,
  program: ProgramId,
  wires: readonly Wire[],
  width: Width,
  salt: Form,
): Form {
  const header = [POSEIDON_TAG, ...programElements(program), layoutElement({ count: wires.length, ...width })]
  const elements = [...header.map(constantForm), salt, ...pack(cs, wires, width)]
  let hash: Form | undefined
  let at = 0
  for (const take of chainChunks(elements.length)) {
    const next = elements.slice(at, at + take)
    hash = poseidon(cs, hash === undefined ? next : [cs.short(hash, 1), ...next])
    at += take
  }
  return hash ?? constantForm(0n)
}

function pack(cs: ConstraintSystem, wires: readonly Wire[], { width, signed }: Width): readonly Form[] {
  const perElement = limbsPerElement(width)
  const lift = signed ? 1n << BigInt(width - 1) : 0n
  const packed: Form[] = []
  for (let at = 0; at < wires.length; at += perElement) {
    const groups = new Sum()
    const perGroup = Math.max(1, Math.floor(GROUP_BITS / width))
    let sum = new Sum()
    wires.slice(at, at + perElement).forEach((wire, i) => {
      const { lo, hi } = wire.range
      if (lo + lift < 0n || hi + lift >= 1n << BigInt(width)) {
        throw fail('VS_ZKML_BOUND_EXCEEDED', {
          details: { expected: `${width} bits${signed ? ', signed' : ''}`, got: `${lo}..${hi}` },
        })
      }
      wire.short(cs, 1)
      decompose(cs, wire, false)
      const place = i % perGroup
      sum.add(wire.form, 1n << BigInt(width * place)).add(constantForm(lift << BigInt(width * place)))
      if (place === perGroup - 1 || i === perElement - 1 || at + i === wires.length - 1) {
        groups.add(cs.short(sum.form(), 1), 1n << BigInt(width * (i - place)))
        sum = new Sum()
      }
    })
    packed.push(cs.short(groups.form(), 1))
  }
  return packed
}

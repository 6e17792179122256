import type { Receipt } from '../receipt/receipt.ts'

export interface ReceiptMutation {
  /** Where the change was made: `signed.claim.outputs`. */
  readonly path: string
  readonly receipt: Receipt
}

type Node = string | number | bigint | boolean | null | Uint8Array | readonly Node[] | { readonly [key: string]: Node }

/** Element types that share a width: a change that leaves the tensor well-formed. */
const SAME_WIDTH: Readonly<Record<string, string>> = {
  int8: 'uint8',
  uint8: 'int8',
  int16: 'uint16',
  uint16: 'int16',
  int32: 'uint32',
  uint32: 'int32',
  int64: 'uint64',
  uint64: 'int64',
}

/** The receipt with one decoded field changed, for every field; lists are also shortened and lengthened. */
export function* receiptMutations(receipt: Receipt): Iterable<ReceiptMutation> {
  for (const { path, node } of mutations(receipt as unknown as Node, '')) {
    yield { path, receipt: node as unknown as Receipt }
  }
}

function* mutations(node: Node, path: string): Iterable<{ readonly path: string; readonly node: Node }> {
  if (node instanceof Uint8Array) {
    const places = new Set([0, node.length >> 1, node.length - 1])
    for (const at of places)
      if (at < node.length && at >= 0)
        yield { path: `${path}[byte ${at}]`, node: node.map((b, i) => (i === at ? b ^ 1 : b)) }
    yield { path: `${path}[one byte more]`, node: Uint8Array.of(...node, 0) }
  } else if (isList(node)) {
    for (const [i, inner] of node.entries()) {
      for (const m of mutations(inner, `${path}[${i}]`)) yield { path: m.path, node: node.with(i, m.node) }
    }
    if (node.length > 0) {
      yield { path: `${path}[shortened]`, node: node.slice(0, -1) }
      yield { path: `${path}[lengthened]`, node: [...node, ...node.slice(-1)] }
    }
  } else if (typeof node === 'object' && node !== null) {
    for (const [key, inner] of Object.entries(node)) {
      for (const m of mutations(inner, path === '' ? key : `${path}.${key}`))
        yield { path: m.path, node: { ...node, [key]: m.node } }
    }
  } else {
    yield { path, node: changed(node) }
  }
}

// Array.isArray does not narrow readonly arrays.
const isList = (node: Node): node is readonly Node[] => Array.isArray(node)

function changed(value: string | number | bigint | boolean | null): Node {
  if (typeof value === 'bigint') return value + 1n
  if (typeof value === 'number') return value + 1
  if (typeof value === 'boolean') return !value
  if (value === null) return 0
  if (/^0x[0-9a-f]+$/.test(value)) return `${value.slice(0, -1)}${value.endsWith('0') ? '1' : '0'}`
  return SAME_WIDTH[value] ?? `${value}x`
}

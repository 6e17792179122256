/**
 * The integer program: what every exact tier executes. Values are numbered: first the inputs in order, then one per
 * node in order; a node reads only lower numbers. All arithmetic is exact integer arithmetic on values whose static
 * range is written down and proved when the program is made.
 */

/** Inclusive bounds of every element of a value. */
export interface Range {
  readonly lo: bigint
  readonly hi: bigint
}

/** A constant tensor of the program, row-major. Every element is a safe integer. */
export interface Weights {
  readonly shape: readonly number[]
  readonly data: Int32Array | Float64Array
}

/** How a real number x becomes an integer: q = clamp(floor(x / scale + 1/2) + zeroPoint, lo, hi), in IEEE double. */
export interface Quantisation {
  readonly scale: number
  readonly zeroPoint: number
}

export interface ProgramInput {
  readonly name: string
  readonly shape: readonly number[]
  /** Every input element is inside this range; anything else is refused. */
  readonly range: Range
  /** For callers that hold real numbers. Part of the program id. */
  readonly quantisation: Quantisation
}

export interface ProgramOutput {
  readonly name: string
  /** The number of the value that is returned. */
  readonly value: number
  /** real = (q - zeroPoint) * scale. Part of the program id. */
  readonly scale: number
  readonly zeroPoint: number
}

interface NodeBase {
  /** Shape and static range of the value that this node makes. */
  readonly shape: readonly number[]
  readonly range: Range
}

/** y[..., o] = Σ_i x[..., i] · weights[i, o] + bias[o]; contraction over the last axis of `x`. */
export interface LinearNode extends NodeBase {
  readonly op: 'linear'
  readonly x: number
  /** Shape [i, o]. */
  readonly weights: Weights
  /** Shape [o]. */
  readonly bias: Weights
}
/** Elementwise on equal shapes. */
export interface AddNode extends NodeBase {
  readonly op: 'add' | 'sub'
  readonly a: number
  readonly b: number
}
/** Elementwise with a constant whose shape equals the value's (broadcasting is resolved when lowering). */
export interface ConstantOperandNode extends NodeBase {
  readonly op: 'add-constant' | 'mul-constant'
  readonly x: number
  readonly constant: Weights
}
/** y = min(max(x, lo), hi). ReLU is lo = 0 and no upper bound. */
export interface ClipNode extends NodeBase {
  readonly op: 'clip'
  readonly x: number
  readonly lo?: bigint
  readonly hi?: bigint
}
/** y = floor(x / 2^shift), 1 <= shift <= 62. */
export interface FloorShiftNode extends NodeBase {
  readonly op: 'floor-shift'
  readonly x: number
  readonly shift: number
}
/** The same elements in row-major order under another shape. */
export interface ReshapeNode extends NodeBase {
  readonly op: 'reshape'
  readonly x: number
}
export interface TransposeNode extends NodeBase {
  readonly op: 'transpose'
  readonly x: number
  readonly permutation: readonly number[]
}
export interface ConcatNode extends NodeBase {
  readonly op: 'concat'
  readonly xs: readonly number[]
  readonly axis: number
}
export interface ConstantNode extends NodeBase {
  readonly op: 'constant'
  readonly constant: Weights
}
/** Index of the largest element along `axis`; the lowest index wins a tie. The axis is removed. */
export interface ArgMaxNode extends NodeBase {
  readonly op: 'argmax'
  readonly x: number
  readonly axis: number
}

export type ProgramNode =
  | LinearNode
  | AddNode
  | ConstantOperandNode
  | ClipNode
  | FloorShiftNode
  | ReshapeNode
  | TransposeNode
  | ConcatNode
  | ConstantNode
  | ArgMaxNode

export type PrimitiveName = ProgramNode['op']

/** `integer/v1`. Rounding is floor; ties go to the lowest index. */
export interface IntegerProgram {
  readonly semantics: 'integer/v1'
  /** The step rules of the dispute game that this program is for; 0: none yet. */
  readonly stepRuleVersion: 0
  readonly inputs: readonly ProgramInput[]
  readonly nodes: readonly ProgramNode[]
  readonly outputs: readonly ProgramOutput[]
}

import { clip, relu } from './activation.ts'
import { argmax } from './argmax.ts'
import { add, mul, sub } from './arithmetic.ts'
import { concat, flatten, identity, reshape, transpose } from './layout.ts'
import { gemm, matmul } from './linear.ts'
import type { Operator } from './operator.ts'

/** Every ONNX operator that can be lowered, but for Constant, which is folded before. */
export const OPERATORS: ReadonlyMap<string, Operator> = new Map([
  ['Add', add],
  ['ArgMax', argmax],
  ['Clip', clip],
  ['Concat', concat],
  ['Flatten', flatten],
  ['Gemm', gemm],
  ['Identity', identity],
  ['MatMul', matmul],
  ['Mul', mul],
  ['Relu', relu],
  ['Reshape', reshape],
  ['Sub', sub],
  ['Transpose', transpose],
])

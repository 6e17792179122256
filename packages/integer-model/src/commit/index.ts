export {
  type CommitmentInput,
  type CommitmentLayout,
  commitmentElements,
  elementCountOf,
  HEADER_ELEMENTS,
  layoutElement,
  limbOf,
  limbsPerElement,
  PACKED_BITS,
  POSEIDON_SCHEME,
  POSEIDON_TAG,
  packLimbs,
  programElements,
} from './layout.ts'
export { chainChunks, POSEIDON_ARITY, poseidon, poseidonChain, poseidonCommitment } from './poseidon.ts'
export { type Width, widthOf } from './width.ts'

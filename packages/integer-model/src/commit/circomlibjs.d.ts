// The reference that the tests compare with; it ships no types.
declare module 'circomlibjs' {
  export function buildPoseidon(): Promise<{
    (inputs: readonly bigint[]): Uint8Array
    readonly F: { toObject(element: Uint8Array): bigint }
  }>
}

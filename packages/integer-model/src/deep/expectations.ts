import { isVeristackError, numbers, type Tensor } from '@veristack/core/receipt'

/** Fails unless the call throws a typed error of this code. */
export function refusedWith(code: string, run: () => unknown): void {
  try {
    run()
  } catch (error) {
    if (!isVeristackError(error)) throw error
    expect(error.code).toBe(code)
    return
  }
  throw new Error(`not refused with ${code}`)
}

export const numbersOf = (t: Tensor): number[] => numbers(t)

/** A line of EPYC processors that has a root of its own. Bergamo and Siena are of Genoa's. */
export type Product = 'Milan' | 'Genoa' | 'Turin'
export const PRODUCTS = ['Milan', 'Genoa', 'Turin'] as const satisfies readonly Product[]

export interface Cpuid {
  /** Base and extended family added. */
  readonly family: number
  /** Extended model, then model. */
  readonly model: number
  readonly stepping: number
}

/** The line by CPUID Fn00000001_EAX, as AMD's processor programming references number them. */
export function productOfCpuid({ family, model }: Cpuid): Product | undefined {
  if (family === 0x19 && model <= 0x0f) return 'Milan'
  if (family === 0x19 && ((model >= 0x10 && model <= 0x1f) || (model >= 0xa0 && model <= 0xaf))) return 'Genoa'
  if (family === 0x1a && model <= 0x1f) return 'Turin'
  return undefined
}

/** Bytes of the hardware id that certificates name a chip by. Turin's is the beginning of CHIP_ID; the rest is zero. */
export const HWID_BYTES = { Milan: 64, Genoa: 64, Turin: 8 } as const satisfies Record<Product, number>

/** Security version numbers of what runs below the guest. `fmc`: Turin alone. */
export interface TcbComponents {
  readonly fmc?: number
  readonly bootloader: number
  readonly tee: number
  readonly snp: number
  readonly microcode: number
}

export type TcbComponent = keyof TcbComponents

/**
 * Where each component lies in the eight bytes of a TCB_VERSION (SEV-SNP ABI, 56860), and under which last arc of
 * 1.3.6.1.4.1.3704.1.3 a certificate gives each byte (VCEK certificate specification, 57230). Bytes without a component
 * are reserved; certificates give them too.
 */
export const TCB_LAYOUT = {
  Milan: { components: { bootloader: 0, tee: 1, snp: 6, microcode: 7 }, arcs: [1, 2, 4, 5, 6, 7, 3, 8] },
  Genoa: { components: { bootloader: 0, tee: 1, snp: 6, microcode: 7 }, arcs: [1, 2, 4, 5, 6, 7, 3, 8] },
  Turin: { components: { fmc: 0, bootloader: 1, tee: 2, snp: 3, microcode: 7 }, arcs: [9, 1, 2, 3, 5, 6, 7, 8] },
} as const satisfies Record<
  Product,
  { readonly components: Readonly<Partial<Record<TcbComponent, number>>>; readonly arcs: readonly number[] }
>

export function tcbComponents(version: Uint8Array, product: Product): TcbComponents {
  const at = TCB_LAYOUT[product].components
  const byte = (index: number): number => version[index] ?? 0
  return {
    ...('fmc' in at ? { fmc: byte(at.fmc) } : {}),
    bootloader: byte(at.bootloader),
    tee: byte(at.tee),
    snp: byte(at.snp),
    microcode: byte(at.microcode),
  }
}

/** Every byte of `low` is at most that of `high`: components, and what is reserved. */
export const notAbove = (low: Uint8Array, high: Uint8Array): boolean =>
  low.length === high.length && low.every((byte, i) => byte <= (high[i] ?? 0))

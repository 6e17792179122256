import { hexOfTcb, type Report, type TcbField } from './parse.ts'
import { type Product, type TcbComponents, tcbComponents } from './product.ts'
import type { Vek } from './vek.ts'

/** A TCB_VERSION: its eight bytes as they lie in the report, and its components where the product is known. */
export interface TcbVersion {
  readonly raw: string
  readonly components?: TcbComponents
}

/** Everything that the evidence says. Byte strings are lower-case hexadecimal. */
export interface SevSnpClaims extends Omit<Report, 'tcb' | 'product'> {
  readonly tcb: Readonly<Record<TcbField, TcbVersion>>
  /** By the certificate; by CPUID as long as no certificate was read. */
  readonly product?: Product
  /** The product name in the certificate: `Milan-B0`. */
  readonly productName?: string
  /** The chip by its VCEK. */
  readonly hwid?: string
  /** Whom the VLEK was given to. */
  readonly cspId?: string
}

export function claimsOf(report: Report, vek?: Vek): SevSnpClaims {
  const { tcb, product: byCpuid, ...rest } = report
  const product = vek?.product ?? byCpuid
  const version = (field: TcbField): TcbVersion => ({
    raw: hexOfTcb(tcb[field]),
    ...(product === undefined ? {} : { components: tcbComponents(tcb[field], product) }),
  })
  return {
    ...rest,
    tcb: {
      reported: version('reported'),
      committed: version('committed'),
      current: version('current'),
      launch: version('launch'),
    },
    ...(product === undefined ? {} : { product }),
    ...(vek === undefined ? {} : { productName: vek.productName }),
    ...(vek?.hwid === undefined ? {} : { hwid: vek.hwid }),
    ...(vek?.cspId === undefined ? {} : { cspId: vek.cspId }),
  }
}

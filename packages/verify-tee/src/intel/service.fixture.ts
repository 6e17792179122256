import type { Service } from '../service.fixture.ts'
import type { IntelCollateral } from './index.ts'
import { FMSPC, makeCollateral, signBody } from './platform.fixture.ts'

/** As Intel's service, or (with lists in hexadecimal) a caching one, answers. */
export const pcs =
  (crlForm: 'der' | 'hex', served: () => IntelCollateral = makeCollateral): Service['replies'] =>
  (path) => {
    const { tcb_info, tcb_info_signature, tcb_info_issuer_chain, qe_identity, ...rest } = served()
    const crl = (hex: string) => (crlForm === 'hex' ? hex : new Uint8Array(Buffer.from(hex, 'hex')))
    const headed = (name: string, chain: string | undefined, body: string | Uint8Array) => ({
      headers: { [name]: encodeURIComponent(chain ?? '') },
      body,
    })
    if (path === `/tdx/certification/v4/tcb?fmspc=${FMSPC}&update=standard`) {
      const body = `{"tcbInfo":${tcb_info},"signature":"${tcb_info_signature}"}`
      return headed('TCB-Info-Issuer-Chain', tcb_info_issuer_chain, body)
    }
    if (path === '/tdx/certification/v4/qe/identity?update=standard') {
      const body = `{"enclaveIdentity":${qe_identity},"signature":"${signBody(qe_identity)}"}`
      return headed('SGX-Enclave-Identity-Issuer-Chain', rest.qe_identity_issuer_chain, body)
    }
    if (path === '/sgx/certification/v4/pckcrl?ca=platform&encoding=der')
      return headed('SGX-PCK-CRL-Issuer-Chain', rest.pck_crl_issuer_chain, crl(rest.pck_crl))
    if (path === '/root.crl' || path === '/sgx/certification/v4/rootcacrl') return { body: crl(rest.root_ca_crl) }
    return { status: 404, body: '' }
  }

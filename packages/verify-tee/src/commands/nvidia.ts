import { fail } from '../errors.ts'
import { row } from './print.ts'
import type { VendorCommands } from './vendor.ts'

const missing = () =>
  fail('VS_TEE_UNSUPPORTED', { details: { field: 'evidence', expected: 'another vendor', got: 'NVIDIA' } })

export const nvidia: VendorCommands = {
  inspect: async (evidence) => ({
    vendor: 'NVIDIA GPU',
    sections: [{ title: 'evidence', rows: [row('bytes', evidence.length)] }],
    held: [],
    wrong: [],
    open: ['everything: evidence of NVIDIA is recognised and not read'],
  }),
  defaultPolicy: { appraisal: {}, relyingParty: {} },
  collateral() {
    throw missing()
  },
  verify: async () => {
    throw missing()
  },
}

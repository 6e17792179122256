import { defineErrors } from '@veristack/core/receipt'

export const fail = defineErrors({
  VS_ACME_QUORUM_OPTIONS: {
    title: 'The quorum can not be formed',
    remedy: 'Give 1 to 255 distinct members and a threshold of 1 to as many as there are members.',
  },
  VS_ACME_QUORUM_NOT_REACHED: {
    title: 'Fewer members than the threshold got the outputs that the claim states',
    remedy: 'Ask again; if it repeats, a member or the claimant computes something else.',
  },
})

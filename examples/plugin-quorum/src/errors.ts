import { defineErrors } from '@veristack/core/receipt'

export const fail = defineErrors({
  VS_ACME_QUORUM_OPTIONS: {
    title: 'The quorum can not be formed',
    remedy: 'Give 1 to 255 distinct members and a threshold of 1 to as many as there are members.',
  },
  VS_ACME_QUORUM_MEMBERSHIP: {
    title: 'The program was not published with this membership',
    remedy: 'Publish it with the members and the threshold that are to prove it.',
  },
  VS_ACME_QUORUM_NOT_REACHED: {
    title: 'Fewer members than the threshold got the outputs that the claim states',
    remedy: 'Ask again; if it repeats, a member or the claimant computes something else.',
  },
  VS_ACME_QUORUM_SEMANTICS: {
    title: 'The program has no exact semantics',
    remedy: 'Lower the model to an integer program.',
  },
  VS_ACME_QUORUM_EVIDENCE: {
    title: 'The evidence is not for this claim',
    remedy: 'Pass acme/quorum evidence of the claim that is settled.',
  },
  VS_ACME_QUORUM_REJECTED: {
    title: 'The evidence does not show that the quorum agrees',
    remedy: 'Read the checks of the verdict; the last one failed.',
  },
})

import { defineErrors } from './base.ts'

/** Every error that core itself raises. */
export const fail = defineErrors({
  VS_CORE_INVALID_DATA: {
    title: 'The data does not have the expected form',
    remedy: 'Compare the named field with the JSON Schema that @veristack/core publishes.',
  },
  VS_CORE_TOO_LARGE: {
    title: 'The data is larger than the limit',
    remedy: 'Send less, or raise the limit where the caller may set one.',
  },
  VS_CORE_UNSUPPORTED_SPECIFICATION: {
    title: 'The plugin was written for another specification version',
    remedy: 'Install a release of the plugin that declares specificationVersion "v1".',
  },
  VS_CORE_MISSING_ROLE: {
    title: 'No plugin provides a role that the stack needs',
    remedy: 'Add a plugin that provides it to createStack({ plugins }).',
  },
  VS_CORE_DUPLICATE_ROLE: {
    title: 'Two plugins provide what only one may',
    remedy: 'Remove one of the two plugins from createStack({ plugins }).',
  },
  VS_CORE_ROLE_NOT_DECLARED: {
    title: 'A plugin provided a role that it does not declare, or the reverse',
    remedy: "Make the plugin's `provides` list equal to what its register() provides.",
  },
  VS_CORE_PLUGIN_FAILED: {
    title: 'A plugin failed while it was started or stopped',
    remedy: 'Read the cause; the plugins that had been started were stopped again.',
  },
  VS_CORE_UNKNOWN_TIER: {
    title: 'No plugin proves or verifies this tier',
    remedy:
      'Add a plugin of that tier that takes these semantics to the stack (or write one), or require a tier that is available.',
  },
  VS_CORE_REQUIREMENT_INVALID: {
    title: 'The requirement can not be used',
    remedy: 'Use 1 to 8 distinct leaves under all, any and atLeast, with 1 <= k <= n.',
  },
  VS_CORE_QUOTE_REFUSED: {
    title: 'The prover of a tier does not take this request',
    remedy: 'Read its reasons; require another tier, another policy, or a smaller program.',
  },
  VS_CORE_NOT_PUBLISHED: {
    title: 'The program has no artefacts for a tier that the request needs',
    remedy: 'Call stack.publish(program) with the same plugins and blob store first.',
  },
  VS_CORE_NOT_TAKEN: {
    title: "This stack can not answer somebody else's request as it stands",
    remedy: 'Leave it to others, or give the stack the program, inputs, tiers or keys that the named field asks for.',
  },
  VS_CORE_NO_NODE: {
    title: 'No node can take a step of this job',
    remedy: 'Read why each node was excluded, then add a node, raise the price or lower the requirement.',
  },
  VS_CORE_BUSY: {
    title: 'The scheduler has as many jobs as it takes',
    remedy: 'Resume the request after the time that it names.',
  },
  VS_CORE_BLOB_MISSING: {
    title: 'A blob is not in the store',
    remedy: 'Point the stack at the store that the job was written to.',
  },
  VS_CORE_BLOB_CORRUPT: {
    title: 'A blob does not have the digest that it was asked for by',
    remedy: 'Delete the file and fetch or make the blob again; the storage or a writer is faulty.',
  },
  VS_CORE_UNKNOWN_JOB: {
    title: 'There is no job with this request id',
    remedy: 'Check the id and that the records come from the directory that the job was written to.',
  },
  VS_CORE_JOB_FAILED: {
    title: 'The job failed',
    remedy: 'Read the cause; the records that were written stay and the job can be resumed.',
  },
  VS_CORE_CANCELLED: {
    title: 'The job was cancelled',
    remedy: 'Submit it again if it is still wanted.',
  },
  VS_CORE_STAGE_NOT_PLANNED: {
    title: 'The job does not pass through this stage',
    remedy: 'Wait for a stage that the job was planned with, or compose a stack that has a settler.',
  },
  VS_CORE_CONFLICT: {
    title: 'Another process changed the same job at the same time',
    remedy: 'Read the job again and repeat; nothing was written.',
  },
  VS_CORE_STACK_CLOSED: {
    title: 'The stack is closed',
    remedy: 'Create a new stack; a closed one is not opened again.',
  },
  VS_CORE_COMMITMENT_MISMATCH: {
    title: 'The outputs or salts are not those that the claim commits to',
    remedy: 'Do not rely on it; whoever sent it is wrong or lies.',
  },
  VS_CORE_REQUEST_MISMATCH: {
    title: 'The request does not have the id, requirement or terms that it states',
    remedy: 'Ask for the receipt again; it was changed, or whoever made it is wrong.',
  },
  VS_CORE_POLICY_MISMATCH: {
    title: 'The policies are not those that the requirement pins',
    remedy: 'Ask for the receipt again; it was changed, or whoever made it is wrong.',
  },
  VS_CORE_CLAIM_MISMATCH: {
    title: 'The claim answers another request',
    remedy: 'Do not rely on it; whoever sent it is wrong or lies.',
  },
  VS_CORE_LIST_MISMATCH: {
    title: 'The commitment lists are not those that the claim hashes, or name a tensor twice',
    remedy: 'Do not rely on it; whoever sent it is wrong or lies.',
  },
  VS_CORE_BAD_SIGNATURE: {
    title: 'The claimant did not sign the claim',
    remedy: 'Do not rely on it; nobody answers for this claim.',
  },
  VS_CORE_EVIDENCE_MISMATCH: {
    title: 'The evidence belongs to another claim',
    remedy: 'Do not rely on it; whoever sent it is wrong or lies.',
  },
  VS_CORE_DUPLICATE_EVIDENCE: {
    title: 'The same evidence is there twice',
    remedy: 'Ask for the receipt again; whoever assembled it is wrong.',
  },
  VS_CORE_UNKNOWN_SCHEME: {
    title: 'No plugin computes this commitment scheme',
    remedy: 'Add the plugin of the tier whose commitments are asked for.',
  },
  VS_CORE_SETTLEMENT_REFUTED: {
    title: 'The chain does not know a settlement that the receipt states',
    remedy: 'Ask a node that you rely on; if it agrees, the receipt is wrong.',
  },
  VS_CORE_EVIDENCE_REFUSED: {
    title: 'The evidence was not accepted',
    remedy: "Read the verdict's code and checks.",
  },
})

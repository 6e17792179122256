// Runs inside the browser-like context: makes a receipt of a toy tier with nothing but the bundle, and judges variants of it.
globalThis.judgeReceipts = async (core) => {
  const signer = core.ephemeralSigner()
  const word = `0x${'11'.repeat(32)}`
  const label = core.tensor('label', 'int64', [1], [7])
  const lists = {
    inputs: [{ tensor: 'int32[1]:x', scheme: 'toy/v1', value: word }],
    outputs: [{ tensor: core.tensorSpec(label), scheme: core.RAW_SCHEME, value: core.rawCommitment(label) }],
  }
  const policy = core.offchainPolicy('toy', null)
  const requirement = { tier: 'toy', policy: core.policyDigest(policy) }
  const terms = { application: null, settlement: core.ZERO_DIGEST }
  const place = { chainId: 1n, contract: core.ZERO_ADDRESS, expiresAt: 1n }
  const subject = {
    program: word,
    inputs: core.commitmentsDigest(lists.inputs),
    requirement: core.requirementDigest(requirement),
  }
  const agreed = { terms: core.termsDigest(terms), payer: signer.address, priceWei: 0n, nonce: word }
  const request = core.makeRequest({ ...subject, ...agreed, ...place })
  const outputs = core.commitmentsDigest(lists.outputs)
  const claim = { request: request.id, ...subject, outputs, claimant: signer.address, ...place }
  const digest = core.claimDigest(claim)
  const signed = { claim, ...lists, signature: await signer.sign(digest) }
  const evidence = [{ kind: 'toy/nod', version: 1, claim: digest, payload: new Uint8Array(), blobs: [] }]
  const receipt = {
    version: 1,
    request,
    requirement,
    policies: [policy],
    terms,
    signed,
    outputs: [label],
    salts: {},
    evidence,
    settlements: [],
  }

  const nod = async (subject) => ({
    status: 'accepted',
    tier: 'toy',
    checks: [],
    assumptions: [],
    covers: subject.signed.outputs,
  })
  const judge = async (changes, verifiers = [{ kind: 'toy/nod', tier: 'toy', verify: nod }]) => {
    const verdict = await core.verifyReceipt({ ...receipt, ...changes }, { verifiers })
    return [verdict.status, verdict.code, verdict.missing].filter(Boolean).join(' ')
  }
  return JSON.stringify({
    sound: await judge({}),
    changedOutput: await judge({ outputs: [core.tensor('label', 'int64', [1], [8])] }),
    otherClaimant: await judge({
      signed: { ...signed, claim: { ...claim, claimant: core.ephemeralSigner().address } },
    }),
    unknownKind: await judge({}, []),
  })
}

import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  type Anchor,
  type Artefacts,
  type Claim,
  type Commitment,
  claimDigest,
  commitmentKey,
  commitmentsDigest,
  type Evidence,
  type Hex,
  isVeristackError,
  type Json,
  offchainPolicy,
  type ProveJob,
  parseAddress,
  type SignedClaim,
  tensor,
  tensorSpec,
  type Verdict,
} from '@veristack/core'
import { POSEIDON_SCHEME } from '@veristack/integer-model/commit'
import { decodeEvidence, encodeEvidence } from './evidence.ts'
import { proofBytes } from './groth16/bytes.ts'
import { snarkjsProver } from './groth16/snarkjs.ts'
import { R } from './r1cs/index.ts'
import { input, output, program, smallProgram, weights } from './testing/programs.ts'
import { rerandomise } from './testing/rerandomise.ts'
import {
  call,
  contextFor,
  digestOf,
  features,
  jobFor,
  outputSalts,
  store,
  temporaryDirectory,
  type Wired,
  wire,
} from './testing/stand.ts'
import { zkml } from './zkml.ts'

const visibility = { outputs: { scores: 'committed' } } as const
const codeOf = (verdict: Verdict): string => (verdict.status === 'rejected' ? verdict.code : verdict.status)

let directory: Awaited<ReturnType<typeof temporaryDirectory>>
let wired: Wired
let artefacts: Artefacts
let job: ProveJob
let evidence: Evidence
const notices: string[] = []
const plugin = () =>
  zkml({ keys: 'development', visibility, cacheDirectory: directory.path, notice: (reason) => notices.push(reason) })

beforeAll(async () => {
  directory = await temporaryDirectory()
  wired = wire(plugin())
  artefacts = await wired.prover.setup(await store(wired.blobs, smallProgram()), call())
  job = await jobFor(wired, smallProgram(), [features([3, 15, 0, 7])], artefacts)
  evidence = await wired.prover.prove(job, call())
}, 120_000)

afterAll(async () => {
  await snarkjsProver().close()
  await directory.remove()
})

const subject = (
  change: Partial<{
    signed: SignedClaim
    outputs: ProveJob['executions'][0]['outputs']
    salts: Record<string, `0x${string}`>
  }> = {},
) => ({
  signed: job.signed,
  outputs: job.executions[0].outputs,
  salts: outputSalts(job),
  ...change,
})
const judge = (s = subject(), e = evidence, context = contextFor(artefacts)) => wired.verifier.verify(s, e, context)

/** A claim that differs and lists that open it, with the evidence pointed at it. */
function forged(
  change: Partial<Claim>,
  lists: { readonly inputs?: readonly Commitment[]; readonly outputs?: readonly Commitment[] } = {},
) {
  const inputs = lists.inputs ?? job.signed.inputs
  const outputs = lists.outputs ?? job.signed.outputs
  const claim: Claim = {
    ...job.signed.claim,
    inputs: commitmentsDigest(inputs),
    outputs: commitmentsDigest(outputs),
    ...change,
  }
  return { signed: { ...job.signed, claim, inputs, outputs }, evidence: { ...evidence, claim: claimDigest(claim) } }
}

describe('an honest job', () => {
  test('provides its roles and accepts its own evidence', async () => {
    expect(wired.roles.sort()).toEqual(['committer', 'onchain', 'prover', 'verifier'])
    const verdict = await judge()
    expect(verdict).toMatchObject({
      status: 'accepted',
      tier: 'zkml',
      covers: [...job.signed.inputs, ...job.signed.outputs],
    })
    expect(verdict.checks.every((c) => c.outcome === 'pass')).toBe(true)
    expect(verdict.assumptions.join()).toMatch(/development/)
    expect(evidence.blobs).toEqual([])
  })

  test('outputs may be left out; what is stated must be whole and right', async () => {
    expect((await judge(subject({ outputs: [] }))).status).toBe('accepted')
    expect(
      (await judge(subject({ outputs: job.executions[0].outputs.filter((t) => t.name === 'label') }))).status,
    ).toBe('accepted')
  })

  test('keys come from the cache the second time and give the same anchor', async () => {
    const again = wire(plugin())
    const second = await again.prover.setup(await store(again.blobs, smallProgram()), call())
    expect(second.anchor).toBe(artefacts.anchor)
    expect(notices).toEqual([])
  })

  test('a quote names time and gas', async () => {
    const need = {
      program: job.program,
      leaf: { tier: 'zkml', policy: digestOf(0) },
      policy: offchainPolicy('zkml', {}),
      inputShapes: {},
    }
    expect(await wired.prover.quote(need)).toMatchObject({ ok: true })
    const float = { ...job.program, semantics: 'onnx-float/v1' }
    expect(await wired.prover.quote({ ...need, program: float })).toMatchObject({
      ok: false,
      code: 'VS_ZKML_UNSUPPORTED',
    })
  })
})

describe('forgeries are rejected', () => {
  test.each<[string, Partial<Claim>]>([
    ['request', { request: digestOf(1) as Hex as Claim['request'] }],
    ['requirement', { requirement: digestOf(2) }],
    ['claimant', { claimant: parseAddress(`0x${'99'.repeat(20)}`) }],
    ['chain id', { chainId: 1n }],
    ['contract', { contract: parseAddress(`0x${'98'.repeat(20)}`) }],
    ['expiry', { expiresAt: 1n }],
  ])('another %s', async (_, change) => {
    const f = forged(change)
    expect(codeOf(await judge(subject({ signed: f.signed }), f.evidence))).toBe('VS_ZKML_PROOF_INVALID')
    expect(codeOf(await judge(subject({ signed: f.signed })))).toBe('VS_ZKML_CLAIM_MISMATCH')
  })

  test('another model', async () => {
    const other = digestOf(5) as Hex as Claim['program']
    const f = forged({ program: other })
    expect(codeOf(await judge(subject({ signed: f.signed }), f.evidence))).toBe('undetermined')
    const context = {
      ...contextFor(artefacts),
      anchors: () => [{ digest: artefacts.anchor, origin: artefacts.origin }],
    }
    expect(codeOf(await judge(subject({ signed: f.signed }), f.evidence, context))).toBe('VS_ZKML_ANCHOR_MISMATCH')
  })

  test('another input', async () => {
    const inputs = job.signed.inputs.map((c) => ({ ...c, value: digestOf(6) }))
    const f = forged({}, { inputs })
    expect(codeOf(await judge(subject({ signed: f.signed }), f.evidence))).toBe('VS_ZKML_PROOF_INVALID')
  })

  test('another output, stated or claimed', async () => {
    const label = job.executions[0].outputs.find((t) => t.name === 'label')
    if (label === undefined) throw new Error('no label')
    const wrong = { ...label, data: Uint8Array.from(label.data, (b, i) => (i === 0 ? (b + 1) % 3 : b)) }
    const outputs = job.executions[0].outputs.map((t) => (t.name === 'label' ? wrong : t))
    expect(codeOf(await judge(subject({ outputs })))).toBe('VS_ZKML_OUTPUT_MISMATCH')
    const list = job.signed.outputs.map((c) =>
      c.tensor === tensorSpec(label) ? { ...c, value: `0x${'00'.repeat(31)}0${wrong.data[0]}` as const } : c,
    )
    const f = forged({}, { outputs: list })
    expect(codeOf(await judge(subject({ signed: f.signed, outputs }), f.evidence))).toBe('VS_ZKML_PROOF_INVALID')
  })

  test('committed outputs that do not open, without salt, with a wrong one, or foreign ones', async () => {
    const outputs = job.executions[0].outputs
    const scores = outputs.find((t) => t.name === 'scores')
    if (scores === undefined) throw new Error('no scores')
    const wrong = outputs.map((t) => (t === scores ? { ...t, data: t.data.map((b, i) => (i === 0 ? b ^ 1 : b)) } : t))
    expect(codeOf(await judge(subject({ outputs: wrong })))).toBe('VS_ZKML_OUTPUT_MISMATCH')
    expect(codeOf(await judge(subject({ salts: {} })))).toBe('VS_ZKML_OUTPUT_MISMATCH')
    const key = commitmentKey({ scheme: POSEIDON_SCHEME, tensor: tensorSpec(scores) })
    expect(codeOf(await judge(subject({ salts: { [key]: digestOf(0) } })))).toBe('VS_ZKML_OUTPUT_MISMATCH')
    expect(codeOf(await judge(subject({ salts: { [key]: digestOf(0xff) } })))).toBe('VS_ZKML_OUTPUT_MISMATCH')
    expect(codeOf(await judge(subject({ outputs: [...outputs, tensor('extra', 'int32', [1], [1])] })))).toBe(
      'VS_ZKML_OUTPUT_MISMATCH',
    )
    expect(codeOf(await judge(subject({ outputs: [...outputs, scores] })))).toBe('VS_ZKML_OUTPUT_MISMATCH')
    const huge = outputs.map((t) => (t === scores ? { ...t, data: t.data.map(() => 0x7f) } : t))
    expect(codeOf(await judge(subject({ outputs: huge })))).toBe('VS_ZKML_OUTPUT_MISMATCH')
  })

  test('aliases s + r in the commitment lists', async () => {
    const hex = (n: bigint) => `0x${BigInt.asUintN(256, n).toString(16).padStart(64, '0')}` as const
    for (const list of ['inputs', 'outputs'] as const) {
      for (const [i, c] of job.signed[list].entries()) {
        const alias = job.signed[list].map((e, j) => (i === j ? { ...e, value: hex(BigInt(c.value) + R) } : e))
        const f = forged({}, { [list]: alias })
        expect(codeOf(await judge(subject({ signed: f.signed, outputs: [] }), f.evidence))).toBe(
          'VS_ZKML_LISTS_MISMATCH',
        )
        if (c.scheme !== 'raw/v1') continue
        const below = job.signed[list].map((e, j) => (i === j ? { ...e, value: hex(BigInt(c.value) - R) } : e))
        const g = forged({}, { [list]: below })
        expect(codeOf(await judge(subject({ signed: g.signed, outputs: [] }), g.evidence))).toBe(
          'VS_ZKML_LISTS_MISMATCH',
        )
      }
    }
  })

  test('lists with other names, schemes, order or length', async () => {
    const { outputs } = job.signed
    const variants = [
      outputs.map((c) => ({ ...c, tensor: `${c.tensor}x` })),
      outputs.map((c) => ({ ...c, scheme: 'raw/v2' })),
      [...outputs].reverse(),
      outputs.slice(1),
      [...outputs, ...outputs],
      [],
    ]
    for (const list of variants) {
      const f = forged({}, { outputs: list })
      expect(codeOf(await judge(subject({ signed: f.signed, outputs: [] }), f.evidence))).toBe('VS_ZKML_LISTS_MISMATCH')
    }
    const lists = { ...job.signed, inputs: job.signed.inputs.map((c) => ({ ...c, value: digestOf(1) })) }
    expect(codeOf(await judge(subject({ signed: lists })))).toBe('VS_ZKML_CLAIM_MISMATCH')
  })

  test("the attacker's own key is not the pinned one", async () => {
    const attackers = await temporaryDirectory()
    try {
      const own = wire(zkml({ keys: 'development', visibility, cacheDirectory: attackers.path }))
      const theirs = await own.prover.setup(await store(own.blobs, smallProgram()), call())
      const proof = await own.prover.prove({ ...job, artefacts: theirs }, call())
      expect((await judge(subject(), proof, contextFor(theirs))).status).toBe('accepted')
      expect(codeOf(await judge(subject(), proof))).toBe('VS_ZKML_ANCHOR_MISMATCH')
      expect(codeOf(await judge(subject(), proof, contextFor(undefined)))).toBe('undetermined')
    } finally {
      await attackers.remove()
    }
  }, 120_000)

  test('a development key where the policy demands a ceremony, and policies nobody knows', async () => {
    expect(codeOf(await judge(subject(), evidence, contextFor(artefacts, { origin: 'ceremony' })))).toBe(
      'VS_ZKML_POLICY',
    )
    expect(
      codeOf(
        await judge(subject(), evidence, contextFor({ ...artefacts, origin: 'ceremony' }, { origin: 'ceremony' })),
      ),
    ).toBe('accepted')
    expect(codeOf(await judge(subject(), evidence, contextFor(artefacts, { origin: 'development' })))).toBe('accepted')
    expect(codeOf(await judge(subject(), evidence, contextFor(artefacts, {})))).toBe('accepted')
    for (const policy of [{ origin: 'none' }, { orgin: 'ceremony' }, { origin: 'ceremony', more: 1 }, 'ceremony', []]) {
      expect(codeOf(await judge(subject(), evidence, contextFor(artefacts, policy)))).toBe('VS_ZKML_POLICY')
    }
  })

  describe('one key that is pinned under several origins counts as the least of them', () => {
    type Origins = readonly Anchor['origin'][]
    const codeUnder = async (origins: Origins, policy: Json) => {
      const anchors = origins.map((origin) => ({ digest: artefacts.anchor, origin }))
      return codeOf(await judge(subject(), evidence, { ...contextFor(artefacts, policy), anchors: () => anchors }))
    }
    test.each<[Origins, ...string[]]>([
      [['ceremony'], 'accepted', 'accepted'],
      [['development'], 'accepted', 'VS_ZKML_POLICY'],
      [['none'], 'VS_ZKML_POLICY', 'VS_ZKML_POLICY'],
      [['ceremony', 'development'], 'accepted', 'VS_ZKML_POLICY'],
      [['development', 'ceremony'], 'accepted', 'VS_ZKML_POLICY'],
      [['ceremony', 'none'], 'VS_ZKML_POLICY', 'VS_ZKML_POLICY'],
      [['none', 'development'], 'VS_ZKML_POLICY', 'VS_ZKML_POLICY'],
      [['ceremony', 'ceremony'], 'accepted', 'accepted'],
    ])('%s', async (origins, development, ceremony) => {
      expect(await codeUnder(origins, {})).toBe('accepted')
      expect(await codeUnder(origins, { origin: 'development' })).toBe(development)
      expect(await codeUnder(origins, { origin: 'ceremony' })).toBe(ceremony)
    })

    test('the origin of another key says nothing of this one', async () => {
      const context = contextFor(artefacts, { origin: 'ceremony' })
      const anchors: readonly Anchor[] = [
        { digest: digestOf(9), origin: 'none' },
        { digest: artefacts.anchor, origin: 'ceremony' },
      ]
      expect(codeOf(await judge(subject(), evidence, { ...context, anchors: () => anchors }))).toBe('accepted')
      const stranger = anchors.map((a) => ({
        ...a,
        origin: a.origin === 'none' ? ('ceremony' as const) : ('none' as const),
      }))
      expect(codeOf(await judge(subject(), evidence, { ...context, anchors: () => stranger }))).toBe('VS_ZKML_POLICY')
    })

    test('every one of them is told as an assumption', async () => {
      const anchors = (['ceremony', 'none'] as const).map((origin) => ({ digest: artefacts.anchor, origin }))
      const { assumptions } = await judge(subject(), evidence, { ...contextFor(artefacts), anchors: () => anchors })
      expect(assumptions.filter((a) => /ceremony|origin is not known/.test(a))).toHaveLength(2)
    })
  })

  test('malformed evidence never throws', async () => {
    const { payload } = evidence
    const broken: Evidence[] = [
      { ...evidence, kind: 'acme/other' },
      { ...evidence, version: 2 },
      { ...evidence, blobs: [{ digest: digestOf(1), bytes: 1, mediaType: 'x' }] },
      { ...evidence, payload: new Uint8Array() },
      { ...evidence, payload: payload.subarray(0, -1) },
      { ...evidence, payload: Uint8Array.of(...payload, 0) },
      { ...evidence, payload: payload.subarray(0, 255) },
      ...[256, 257, 258, 259, 260].map((i) => ({
        ...evidence,
        payload: payload.map((b, j) => (i === j ? b ^ 0xff : b)),
      })),
    ]
    for (const e of broken) expect(codeOf(await judge(subject(), e))).toBe('VS_ZKML_MALFORMED')
    const odd = { ...job.signed, inputs: [{ ...job.signed.inputs[0], value: '0xzz' }] } as SignedClaim
    expect((await judge(subject({ signed: odd }))).status).toBe('rejected')
  })

  test('every byte of the payload matters', async () => {
    const { payload } = evidence
    for (let i = 0; i < payload.length; i += 37) {
      const verdict = await judge(subject(), { ...evidence, payload: payload.map((b, j) => (i === j ? b ^ 1 : b)) })
      expect(verdict.status).toBe('rejected')
    }
  })
})

test('a rerandomised proof verifies: nothing may be keyed by proof bytes', async () => {
  const parsed = decodeEvidence(evidence.payload)
  if (parsed === undefined) throw new Error('unreadable')
  const proof = proofBytes(rerandomise(parsed.points.key, parsed.points.proof, 12345n, 678n))
  expect(proof).not.toEqual(parsed.proof)
  expect((await judge(subject(), { ...evidence, payload: encodeEvidence({ ...parsed, proof }) })).status).toBe(
    'accepted',
  )
})

describe('prove refuses', () => {
  const failure = async (change: Partial<ProveJob>): Promise<unknown> =>
    wired.prover.prove({ ...job, ...change }, call()).then(
      () => 'proved',
      (e: unknown) => (isVeristackError(e) ? e.code : e),
    )

  test('an execution that differs from its own witness', async () => {
    const [execution] = job.executions
    const change = (name: string) => ({
      ...execution,
      outputs: execution.outputs.map((t) =>
        t.name === name ? { ...t, data: t.data.map((b, i) => (i === 0 ? b ^ 1 : b)) } : t,
      ),
    })
    expect(await failure({ executions: [change('label')] })).toBe('VS_ZKML_OUTPUT_DIFFERS')
    expect(await failure({ executions: [change('scores')] })).toBe('VS_ZKML_OUTPUT_DIFFERS')
    expect(await failure({ executions: [change('scores'), execution] })).toBe('VS_ZKML_OUTPUT_DIFFERS')
    // The claim states the first execution's outputs: another node of the job can not stop its proof.
    expect(await failure({ executions: [execution, change('scores')] })).toBe('proved')
    expect(await failure({ executions: [{ ...execution, outputs: execution.outputs.slice(1) }] })).toBe(
      'VS_ZKML_OUTPUT_DIFFERS',
    )
  })

  test('other inputs, salts, lists, artefacts', async () => {
    expect(await failure({ inputs: [features([3, 15, 0, 8])] })).toMatch(/VS_ZKML_(OUTPUT_DIFFERS|JOB_MISMATCH)/)
    expect(await failure({ inputs: [features([3, 15, 0, 16])] })).toBe('VS_ZKML_INVALID_INPUT')
    expect(await failure({ inputs: [] })).toBe('VS_ZKML_INVALID_INPUT')
    expect(await failure({ salts: {} })).toBe('VS_ZKML_JOB_MISMATCH')
    expect(await failure({ salts: Object.fromEntries(Object.keys(job.salts).map((k) => [k, digestOf(0)])) })).toBe(
      'VS_ZKML_JOB_MISMATCH',
    )
    expect(await failure({ signed: { ...job.signed, outputs: job.signed.outputs.slice(1) } })).toBe(
      'VS_ZKML_JOB_MISMATCH',
    )
    expect(await failure({ artefacts: { ...artefacts, program: digestOf(1) as Hex as Artefacts['program'] } })).toBe(
      'VS_ZKML_KEY_MISMATCH',
    )
    expect(await failure({ artefacts: { ...artefacts, anchor: digestOf(1) } })).toBe('VS_ZKML_KEY_MISMATCH')
    expect(await failure({ artefacts: { ...artefacts, blobs: {} } })).toBe('VS_ZKML_KEY_MISMATCH')
    const { zkey: _, ...rest } = artefacts.blobs
    expect(await failure({ artefacts: { ...artefacts, blobs: rest } })).toBe('proved')
  })

  test('when it was cancelled', async () => {
    const aborted = AbortSignal.abort(new Error('enough'))
    await expect(wired.prover.prove(job, call(aborted))).rejects.toThrow('enough')
  })

  test('options nobody knows', () => {
    expect(() => zkml({ keys: 'unsafe' as 'development' })).toThrow('zkml()')
    expect(() => zkml({ keys: 'development', visibility: { inputs: 'hidden' as 'public' } })).toThrow('zkml()')
  })
})

describe('the cache', () => {
  test('a damaged key is reported and made again, never used', async () => {
    const name = (await readdir(directory.path)).find((f) => f.startsWith('key-'))
    if (name === undefined) throw new Error('no key')
    const path = join(directory.path, name)
    const bytes = await readFile(path)
    await writeFile(
      path,
      bytes.map((b, i) => (i === 5000 ? b ^ 1 : b)),
    )
    const again = wire(plugin())
    const made = await again.prover.setup(await store(again.blobs, smallProgram()), call())
    expect(notices).toEqual([expect.stringContaining('damaged')])
    expect(made.anchor).not.toBe(artefacts.anchor)
    await writeFile(path, bytes)
  }, 120_000)
})

test('public inputs, several inputs and outputs, negative values, a circuit without commitments of outputs', async () => {
  const integer = program(
    [input('a', [2], -7n, 6n), input('b', [2], 0n, 1n)],
    [
      { op: 'sub', a: 0, b: 1 },
      { op: 'mul-constant', x: 2, constant: weights([2], [-3, 2]) },
    ],
    [output('difference', 2), output('scaled', 3)],
  )
  const own = wire(zkml({ keys: 'development', visibility: { inputs: 'public' }, cacheDirectory: directory.path }))
  const made = await own.prover.setup(await store(own.blobs, integer), call())
  const inputs = [tensor('a', 'int32', [2], [-7, 6]), tensor('b', 'int32', [2], [1, 0])]
  const honest = await jobFor(own, integer, inputs, made)
  expect(honest.salts).toEqual({})
  expect(honest.signed.inputs).toHaveLength(1)
  const proof = await own.prover.prove(honest, call())
  const verdict = await own.verifier.verify(
    { signed: honest.signed, outputs: honest.executions[0].outputs, salts: {} },
    proof,
    contextFor(made),
  )
  expect(verdict.status).toBe('accepted')
}, 120_000)

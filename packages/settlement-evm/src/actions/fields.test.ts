import type { Hex } from '@veristack/core'
import { evm } from '../evm.ts'
import * as api from '../index.ts'
import type { PlaceRequestParameters } from './place-request.ts'

/** A wrong field of an action is named, before anything is sent. */

const plugin = evm({ network: 'local' })
beforeAll(() => plugin.start?.(new AbortController().signal))
afterAll(() => plugin.stop?.())

const bad = 'bob' as Hex
const word: Hex = `0x${'01'.repeat(32)}`
const account: Hex = `0x${'01'.repeat(20)}`

const ACTIONS: readonly [string, string, (c: api.SettlementClient) => Promise<unknown>][] = [
  ['withdraw', 'to', (c) => api.withdraw(c, { to: '0x123' })],
  ['withdraw', 'token', (c) => api.withdraw(c, { token: bad })],
  ['creditOf', 'account', (c) => api.creditOf(c, { account: bad })],
  ['creditOf', 'token', (c) => api.creditOf(c, { account, token: bad })],
  ['getResult', 'request', (c) => api.getResult(c, { request: 'x' as Hex })],
  ['findEvents', 'request', (c) => api.findEvents(c, { request: bad })],
  ['getAnswer', 'request', (c) => api.getAnswer(c, { request: bad })],
  ['progressOf', 'claim', (c) => api.progressOf(c, { claim: bad })],
  ['pendingUntil', 'claim', (c) => api.pendingUntil(c, { claim: bad, leaf: 0, evidence: '0x' })],
  ['approve', 'token', (c) => api.approve(c, { token: bad, amount: 1n })],
  ['allowanceOf', 'owner', (c) => api.allowanceOf(c, { token: account, owner: bad })],
  ['revokeProgram', 'program', (c) => api.revokeProgram(c, { program: bad })],
  ['publishedProgram', 'publisher', (c) => api.publishedProgram(c, { publisher: bad, program: word })],
]

test.each(ACTIONS)('%s: %s', async (_, field, act) => {
  await expect(act(plugin.client())).rejects.toMatchObject({
    code: expect.stringMatching(/^VS_/),
    details: { field },
  })
})

test.each<[string, object]>([
  ['order', { requirement: { tier: 'a', policy: word }, policies: [] }],
  ['policies', { order: { request: { requirement: word } }, requirement: { tier: 'a', policy: word } }],
  ['requirement', { order: { request: { requirement: word } }, policies: [] }],
])('placeRequest without %s', async (field, p) => {
  await expect(api.placeRequest(plugin.client(), p as PlaceRequestParameters)).rejects.toMatchObject({
    code: expect.stringMatching(/^VS_/),
    details: { field },
  })
})

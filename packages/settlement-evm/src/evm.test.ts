import { inspect } from 'node:util'
import type { Hex } from '@veristack/core'
import { type EvmOptions, evm } from './evm.ts'

/** What somebody who begins passes by mistake is told with the name of the field, before anything is started. */

const rpcUrl = 'http://127.0.0.1:1'
const address: Hex = `0x${'ab'.repeat(20)}`

test.each<[string, object, string]>([
  ['rpcURL', { rpcURL: rpcUrl }, 'rpcURL'],
  ['a misspelt option', { rpcUrl, journalDirectroy: 'journal' }, 'journalDirectroy'],
  ['the deployment as a path', { rpcUrl, deployment: 'deployments/eip155-1.json' }, 'deployment'],
  ['a journal that is no path', { rpcUrl, journalDirectory: true }, 'journalDirectory'],
  ['a text for a switch', { rpcUrl, deliver: 'no' }, 'deliver'],
])('%s', (_, options, field) => {
  expect(() => evm(options)).toThrow(
    expect.objectContaining({ code: 'VS_SETTLE_INVALID_OPTION', details: expect.objectContaining({ field }) }),
  )
})

test('an unknown option is told with the known ones', () => {
  expect(() => evm({ key: '0x' } as EvmOptions)).toThrow(
    'expected: one of network, rpcUrl, signer, deployment, deployVerifiers, deliver, journalDirectory, confirmations',
  )
})

test.each<unknown>(['0x1234', 'ab'.repeat(32), 7331, { address }])('a signer that is none: %s', (signer) => {
  let error: unknown
  try {
    evm({ rpcUrl, signer: signer as Hex })
  } catch (e) {
    error = e
  }
  expect(error).toMatchObject({ code: 'VS_SETTLE_INVALID_OPTION', details: { field: 'signer', got: 'something else' } })
  if (typeof signer !== 'object') expect(inspect(error).split('\n    at ')[0]).not.toContain(String(signer))
})

test.each([
  ['settlement', { settlement: '0x12', registry: address }],
  ['registry', { settlement: address }],
  ['bonds', { settlement: address, registry: address, bonds: 'bob' }],
])('an address of a deployment that is none: %s', (field, deployment) => {
  expect(() => evm({ rpcUrl, deployment: deployment as unknown as EvmOptions['deployment'] & object })).toThrow(
    expect.objectContaining({ details: expect.objectContaining({ field: `deployment.${field}` }) }),
  )
})

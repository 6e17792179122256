import { execFile } from 'node:child_process'
import { resolve } from 'node:path'
import { promisify } from 'node:util'

/** In a process of its own: the plugin is written for Node's resolution, not for the test runner's. */
test("a stranger's tier settles beside zkml through evm(), each leaf by its own contract", async () => {
  const args = ['--conditions=@veristack/source', '--import', 'tsx', 'tests/chain/quorum.process.ts']
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: resolve(__dirname, '../..') })
  const { both, either, lies } = JSON.parse(stdout.slice(stdout.indexOf('{')))
  expect(both).toMatchObject({
    state: 'delivered',
    satisfied: 0b11,
    credit: String(10n ** 15n),
    verdict: 'accepted',
    tiers: ['zkml', 'acme/quorum'],
    contracts: 2,
    events: ['Requested', 'LeafSatisfied', 'Accepted', 'Delivered'],
  })
  // The first leaf decides.
  expect(either).toMatchObject({ state: 'delivered', satisfied: 0b01, events: ['Requested', 'Accepted', 'Delivered'] })
  // Two of three lie. Who is asked first is the one whose answer is claimed: there is a proof, or a quorum, never both.
  expect(lies).toEqual({
    state: expect.stringMatching(/^(none|open)$/),
    credit: '0',
    failed: expect.stringMatching(/^VS_(ACME_QUORUM_NOT_REACHED|ZKML_OUTPUT_DIFFERS)$/),
  })
}, 180_000)

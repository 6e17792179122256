import { CHAIN_IDS, chainIdOf } from './networks.ts'

test.each(Object.entries(CHAIN_IDS).filter(([name]) => name !== 'hoodi'))(
  '%s has the id that ethers knows',
  async (name, id) => {
    const { Network } = await import('ethers')
    expect(Network.from(name).chainId).toBe(id)
    expect(chainIdOf(name)).toBe(id)
  },
)

test('Hoodi is there, Holesky is shut', () => {
  // https://github.com/eth-clients/hoodi
  expect(chainIdOf('hoodi')).toBe(560048n)
  expect(() => chainIdOf('holesky')).toThrow('VS_SETTLE_INVALID_OPTION')
  expect(chainIdOf('eip155:17000')).toBe(17000n)
})

test.each(['toString', 'eip155:0', 'eip155:01', 'eip155:-1', 'Mainnet', ''])('%s is no network', (name) => {
  expect(() => chainIdOf(name)).toThrow('VS_SETTLE_INVALID_OPTION')
})

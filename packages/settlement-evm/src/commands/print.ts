/** Wei as a decimal fraction, exactly. */
function decimal(wei: bigint, digits: number): string {
  const text = wei.toString().padStart(digits + 1, '0')
  const fraction = text.slice(-digits).replace(/0+$/, '')
  return `${text.slice(0, -digits)}${fraction === '' ? '' : `.${fraction}`}`
}

export const ether = (wei: bigint): string => `${decimal(wei, 18)} ETH`
export const gwei = (wei: bigint): string => `${decimal(wei, 9)} gwei`
export const thousands = (n: bigint): string => n.toLocaleString('en-US')

/** Integers of any size as decimal strings. */
export const json = (value: unknown): string =>
  `${JSON.stringify(value, (_, v: unknown) => (typeof v === 'bigint' ? v.toString() : v), 2)}\n`

const SHOWN = 8

/** The first few values, and how many there are. */
export function shown(values: readonly (number | bigint | string)[]): string {
  const first = values.slice(0, SHOWN).join(' ')
  return values.length <= SHOWN ? first : `${first} … (${values.length})`
}

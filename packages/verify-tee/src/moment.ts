/** Unix seconds as RFC 3339, or the number where no calendar has it. */
export function moment(seconds: bigint | number): string {
  const date = new Date(Number(seconds) * 1000)
  return Number.isNaN(date.getTime()) ? `${seconds} s` : date.toISOString().replace('.000Z', 'Z')
}

/** Both for people: `1750000000 (2025-06-15T15:06:40Z)`. */
export const dated = (seconds: bigint | number): string => `${seconds} (${moment(seconds)})`

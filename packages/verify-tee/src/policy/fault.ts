import type * as z from 'zod'

const MAX_SHOWN = 64

/** What a value is, in a few words. */
export function shown(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (typeof value === 'string') return quoted(value)
  if (typeof value === 'bigint') return `${shortened(`${value}`)}n`
  if (value instanceof Uint8Array) return `${value.length} bytes`
  if (Array.isArray(value)) return `a list of ${value.length}`
  if (typeof value !== 'object' || value === null) return typeof value === 'function' ? 'a function' : String(value)
  return `an object with ${named(Object.keys(value)) || 'nothing in it'}`
}

const shortened = (text: string, length = text.length): string =>
  text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}… (${length} characters)` : text

/** What could move a cursor or hide is spelled out. */
const quoted = (text: string): string =>
  shortened(JSON.stringify(text.slice(0, MAX_SHOWN + 1)), text.length).replace(
    /[^\x20-\x7e…]/gu,
    (c) => `\\u{${(c.codePointAt(0) ?? 0).toString(16)}}`,
  )

const named = (keys: readonly string[]): string => {
  const some = keys.slice(0, 8).map((key) => (/^\w{1,64}$/.test(key) ? key : quoted(key)))
  return [...some, ...(keys.length > some.length ? [`${keys.length - some.length} more`] : [])].join(', ')
}

export interface Fault {
  readonly path: readonly string[]
  readonly expected: string
  readonly got: string
}

/** To be passed to `safeParse`, so that {@link faultOf} has words of ours, and the values. */
export const FOR_PEOPLE = { reportInput: true, error: (issue: z.core.$ZodRawIssue) => expectation(issue) }

/** The fault that says most: a key that is unknown may be one that is missing, misspelled. */
export function faultOf({ issues }: z.core.$ZodError): Fault {
  const [fault] = inOrder(issues.map(found))
  return fault ?? { path: [], expected: 'other data', got: 'this' }
}

interface Found extends Fault {
  readonly isUnknown: boolean
  /** Of another kind altogether, where it begins. */
  readonly isOther: boolean
}

const inOrder = (faults: readonly Found[]): readonly Found[] =>
  faults.toSorted((a, b) => Number(b.isUnknown) - Number(a.isUnknown))

function found(issue: z.core.$ZodIssue): Found {
  const path = issue.path.map(String)
  if (issue.code === 'unrecognized_keys') {
    const got = `the key${issue.keys.length > 1 ? 's' : ''} ${named(issue.keys)}`
    return { path, expected: issue.message, got, isUnknown: true, isOther: false }
  }
  if (issue.code === 'invalid_union') {
    const { path: inner, ...fault } = meant(issue.errors.map((branch) => branch.map(found)))
    return { ...fault, path: [...path, ...inner] }
  }
  const isOther = path.length === 0 && (issue.code === 'invalid_type' || issue.code === 'invalid_value')
  const [inKey] = issue.code === 'invalid_key' ? issue.issues : []
  const expected = inKey?.message ?? issue.message
  return { path, expected, got: shown(issue.input), isUnknown: false, isOther }
}

/** Of a union: the branch that fits best was meant; where none begins to fit, each is what was expected. */
function meant(branches: readonly (readonly Found[])[]): Found {
  const unknown = (branch: readonly Found[]): number => branch.filter(({ isUnknown }) => isUnknown).length
  const [best] = branches
    .filter((branch) => !branch.some(({ isOther }) => isOther))
    .toSorted((a, b) => unknown(a) - unknown(b) || a.length - b.length)
  const [fault] = inOrder(best ?? branches.flat())
  if (fault === undefined) return { path: [], expected: 'other data', got: 'this', isUnknown: false, isOther: true }
  const all = new Set(branches.flat().map(({ expected }) => expected))
  return best === undefined ? { ...fault, expected: [...all].join(', or ') } : fault
}

const KINDS: Readonly<Record<string, string>> = {
  array: 'a list',
  boolean: 'true or false',
  int: 'a whole number',
  number: 'a whole number',
  record: 'an object',
  object: 'an object',
  string: 'a text',
}

function expectation(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      return KINDS[issue.expected] ?? issue.expected
    case 'invalid_value':
      return issue.values.map((value) => JSON.stringify(value)).join(' or ')
    case 'too_small':
      return `at least ${issue.minimum}${unitOf(issue.origin)}`
    case 'too_big':
      return `at most ${issue.maximum}${unitOf(issue.origin)}`
    case 'invalid_format':
      return issue.format === 'url' ? 'a URL' : `a text of the form ${issue.pattern ?? issue.format}`
    case 'unrecognized_keys': {
      const { def } = issue.inst?._zod ?? {}
      const known = def !== undefined && 'shape' in def ? Object.keys(def.shape ?? {}) : []
      return `no keys but ${known.join(', ')}`
    }
    default:
      return undefined
  }
}

const unitOf = (origin: string): string => (origin === 'array' ? ' entries' : origin === 'string' ? ' characters' : '')

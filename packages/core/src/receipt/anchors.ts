import type { Digest, ProgramId } from '../claim/index.ts'
import type { Anchor, EvidenceKind, Origin } from './verdict.ts'

/** One line of an anchors file. */
export interface AnchorEntry {
  readonly program: ProgramId
  readonly kind: EvidenceKind
  readonly digest: Digest
  readonly origin: Origin
}

/** What a relying party pins: a file that it got from somewhere else than the receipt. */
export interface AnchorSet {
  readonly version: 1
  readonly anchors: readonly AnchorEntry[]
}

export type AnchorLookup = (program: ProgramId, kind: EvidenceKind) => Anchor | undefined

/** The first entry for a program and kind; a set that names two different ones for the same pair answers nothing. */
export function lookupAnchors(set: AnchorSet): AnchorLookup {
  return (program, kind) => {
    const [first, ...rest] = set.anchors.filter((a) => a.program === program && a.kind === kind)
    if (first === undefined || rest.some((a) => a.digest !== first.digest || a.origin !== first.origin))
      return undefined
    return { digest: first.digest, origin: first.origin }
  }
}

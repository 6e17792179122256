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

export type AnchorLookup = (program: ProgramId, kind: EvidenceKind) => readonly Anchor[]

/** All distinct entries for a program and kind, in order: keys are exchanged for others, and evidence under either holds. */
export function lookupAnchors(set: AnchorSet): AnchorLookup {
  return (program, kind) => {
    const found = new Map<string, Anchor>()
    for (const { program: of, kind: by, digest, origin } of set.anchors) {
      if (of === program && by === kind) found.set(`${digest} ${origin}`, { digest, origin })
    }
    return [...found.values()]
  }
}

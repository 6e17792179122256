import { FEATURISER } from '../src/features.ts'
import type { Schedule, Shape } from './network.ts'

export const SHAPE: Shape = { inputs: FEATURISER.features, hidden: 64, classes: 77 }

/** What the committed model was trained with. */
export const CHOSEN: Schedule = {
  epochs: 45,
  batch: 64,
  rate: 3e-3,
  decay: 0.05,
  dropInput: 0.4,
  dropHidden: 0.2,
  smoothing: 0.1,
  clip: 4,
  seed: 1,
}

/** What it was chosen among, by accuracy on the validation rows. `npm run train -- --search` trains each. */
export const CANDIDATES: Readonly<Record<string, Schedule>> = {
  chosen: CHOSEN,
  'another seed': { ...CHOSEN, seed: 2 },
  'weights not clipped': { ...CHOSEN, clip: Number.POSITIVE_INFINITY },
  '30 epochs, less dropout': { ...CHOSEN, epochs: 30, dropInput: 0.3 },
  'more smoothing, less dropout': { ...CHOSEN, smoothing: 0.15, dropInput: 0.3 },
  'more dropout and decay': { ...CHOSEN, dropHidden: 0.3, decay: 0.1 },
}

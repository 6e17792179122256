/**
 * A two-layer perceptron trained with AdamW on sparse rows. Everything is deterministic in the seed: one thread,
 * one order of summation, no Math functions whose last bit an engine may choose except exp and log.
 */

/** One training row: the non-zero features, ascending, and the index of its intent. */
export interface Row {
  readonly indices: Uint16Array
  readonly values: Float32Array
  readonly intent: number
}

/** y = W2ᵀ · relu(W1ᵀ · x + b1) + b2; `w1` is row-major [inputs, hidden], `w2` row-major [hidden, classes]. */
export interface Weights {
  readonly w1: Float32Array
  readonly b1: Float32Array
  readonly w2: Float32Array
  readonly b2: Float32Array
}

export interface Shape {
  readonly inputs: number
  readonly hidden: number
  readonly classes: number
}

export interface Schedule {
  readonly epochs: number
  readonly batch: number
  /** Peak step size; rises over the first epoch, then falls along a cosine to zero. */
  readonly rate: number
  readonly decay: number
  /** Probability that a non-zero feature, or a hidden unit, is left out of one row's step. */
  readonly dropInput: number
  readonly dropHidden: number
  /** Mass that is spread over all intents instead of the right one. */
  readonly smoothing: number
  /** Weights are kept within ± this many standard deviations of their matrix, so that few bits hold them well. */
  readonly clip: number
  readonly seed: number
}

export function train(
  rows: readonly Row[],
  { inputs, hidden, classes }: Shape,
  s: Schedule,
  report: (epoch: number, loss: number, weights: Weights) => void = () => {},
): Weights {
  const random = mulberry32(s.seed)
  const active = rows.reduce((n, r) => n + r.indices.length, 0) / rows.length
  const w1 = gaussian(inputs * hidden, Math.sqrt(2 / active), random)
  const b1 = new Float32Array(hidden)
  const w2 = gaussian(hidden * classes, Math.sqrt(2 / hidden), random)
  const b2 = new Float32Array(classes)
  const weights: Weights = { w1, b1, w2, b2 }
  const parameters = [adam(w1, s.decay), adam(b1, 0), adam(w2, s.decay), adam(b2, 0)] as const
  const [g1, gb1, g2, gb2] = parameters.map((p) => p.gradient) as [
    Float32Array,
    Float32Array,
    Float32Array,
    Float32Array,
  ]
  const order = Uint32Array.from(rows.keys())
  const h = new Float32Array(hidden)
  const dh = new Float32Array(hidden)
  const z = new Float32Array(classes)
  const kept: number[] = []
  const stepsPerEpoch = Math.ceil(rows.length / s.batch)
  let step = 0
  for (let epoch = 0; epoch < s.epochs; epoch++) {
    shuffle(order, random)
    let loss = 0
    for (let start = 0; start < order.length; start += s.batch) {
      const end = Math.min(start + s.batch, order.length)
      for (let o = start; o < end; o++) {
        const row = rows[order[o] as number] as Row
        kept.length = 0
        for (let i = 0; i < row.indices.length; i++) if (random() >= s.dropInput) kept.push(i)
        const boost = 1 / (1 - s.dropInput)
        h.set(b1)
        for (const i of kept) {
          const v = (row.values[i] as number) * boost
          const at = (row.indices[i] as number) * hidden
          for (let j = 0; j < hidden; j++) h[j] = (h[j] as number) + v * (w1[at + j] as number)
        }
        const scale = 1 / (1 - s.dropHidden)
        for (let j = 0; j < hidden; j++)
          h[j] = (h[j] as number) > 0 && random() >= s.dropHidden ? (h[j] as number) * scale : 0
        z.set(b2)
        for (let j = 0; j < hidden; j++) {
          const v = h[j] as number
          if (v !== 0)
            for (let k = 0, at = j * classes; k < classes; k++, at++) z[k] = (z[k] as number) + v * (w2[at] as number)
        }
        loss += softmaxGradient(z, row.intent, s.smoothing, 1 / (end - start))
        for (let k = 0; k < classes; k++) gb2[k] = (gb2[k] as number) + (z[k] as number)
        for (let j = 0; j < hidden; j++) {
          const v = h[j] as number
          dh[j] = 0
          if (v === 0) continue
          let sum = 0
          for (let k = 0, at = j * classes; k < classes; k++, at++) {
            const d = z[k] as number
            sum += d * (w2[at] as number)
            g2[at] = (g2[at] as number) + v * d
          }
          dh[j] = sum * scale
          gb1[j] = (gb1[j] as number) + sum * scale
        }
        for (const i of kept) {
          const v = (row.values[i] as number) * boost
          const at = (row.indices[i] as number) * hidden
          for (let j = 0; j < hidden; j++) g1[at + j] = (g1[at + j] as number) + v * (dh[j] as number)
        }
      }
      step++
      const progress = step / (stepsPerEpoch * s.epochs)
      const rate = s.rate * Math.min(1, step / stepsPerEpoch) * 0.5 * (1 + Math.cos(Math.PI * progress))
      for (const p of parameters) p.update(rate, step)
      if (Number.isFinite(s.clip) && step % 20 === 0) for (const w of [w1, w2]) clipOutliers(w, s.clip)
    }
    report(epoch, loss / rows.length, weights)
  }
  return weights
}

/** Turns logits into ∂loss/∂logits in place, times `weight`; returns the row's loss. */
function softmaxGradient(z: Float32Array, intent: number, smoothing: number, weight: number): number {
  const max = z.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY)
  const target = z[intent] as number
  let sum = 0
  for (let k = 0; k < z.length; k++) {
    z[k] = Math.exp((z[k] as number) - max)
    sum += z[k] as number
  }
  const spread = smoothing / z.length
  for (let k = 0; k < z.length; k++)
    z[k] = ((z[k] as number) / sum - spread - (k === intent ? 1 - smoothing : 0)) * weight
  return Math.log(sum) + max - target
}

/** AdamW, decoupled decay: Loshchilov and Hutter, "Decoupled Weight Decay Regularization", 2019. */
function adam(w: Float32Array, decay: number) {
  const gradient = new Float32Array(w.length)
  const m = new Float32Array(w.length)
  const v = new Float32Array(w.length)
  return {
    gradient,
    update(rate: number, step: number): void {
      const c1 = 1 - 0.9 ** step
      const c2 = 1 - 0.999 ** step
      for (let i = 0; i < w.length; i++) {
        const g = gradient[i] as number
        gradient[i] = 0
        const mi = 0.9 * (m[i] as number) + 0.1 * g
        const vi = 0.999 * (v[i] as number) + 0.001 * g * g
        m[i] = mi
        v[i] = vi
        const x = w[i] as number
        w[i] = x - rate * (mi / c1 / (Math.sqrt(vi / c2) + 1e-8) + decay * x)
      }
    },
  }
}

function clipOutliers(w: Float32Array, deviations: number): void {
  let square = 0
  for (const x of w) square += x * x
  const bound = deviations * Math.sqrt(square / w.length)
  for (let i = 0; i < w.length; i++) w[i] = Math.max(-bound, Math.min(bound, w[i] as number))
}

/** The logits of one row, [classes]. */
export function logits(row: Pick<Row, 'indices' | 'values'>, { w1, b1, w2, b2 }: Weights): Float32Array {
  const hidden = b1.length
  const classes = b2.length
  const h = Float32Array.from(b1)
  for (let i = 0; i < row.indices.length; i++) {
    const v = row.values[i] as number
    const at = (row.indices[i] as number) * hidden
    for (let j = 0; j < hidden; j++) h[j] = (h[j] as number) + v * (w1[at + j] as number)
  }
  const z = Float32Array.from(b2)
  for (let j = 0; j < hidden; j++) {
    const v = h[j] as number
    if (v > 0)
      for (let k = 0, at = j * classes; k < classes; k++, at++) z[k] = (z[k] as number) + v * (w2[at] as number)
  }
  return z
}

/** Index of the largest; the lowest index wins a tie. */
export function argmax(z: ArrayLike<number>): number {
  let best = 0
  for (let k = 1; k < z.length; k++) if ((z[k] as number) > (z[best] as number)) best = k
  return best
}

export function accuracy(rows: readonly Row[], weights: Weights): number {
  return rows.filter((r) => argmax(logits(r, weights)) === r.intent).length / rows.length
}

/** Uniform in [0, 1), 32 bits of state. Public domain generator by Tommy Ettinger. */
export function mulberry32(seed: number): () => number {
  let a = seed >>> 0
  return () => {
    a = (a + 0x6d2b79f5) >>> 0
    let t = Math.imul(a ^ (a >>> 15), a | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Sum of twelve uniforms less six: normal enough, and the same on every engine. */
function gaussian(count: number, deviation: number, random: () => number): Float32Array {
  return Float32Array.from({ length: count }, () => {
    let sum = -6
    for (let i = 0; i < 12; i++) sum += random()
    return sum * deviation
  })
}

/** Fisher and Yates, in place. */
export function shuffle(order: Uint32Array, random: () => number): void {
  for (let i = order.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1))
    const t = order[i] as number
    order[i] = order[j] as number
    order[j] = t
  }
}

/** Recomputes every accuracy figure of the model card and prints them as JSON. */
import { evaluate } from './evaluation.ts'

console.log(JSON.stringify(await evaluate(), null, 1))

import { combinations, playAll } from './matrix.ts'

test('whatever goes wrong at whichever step: the end is right, and everything happened once', async () => {
  const seed = Number(process.env.VERISTACK_SEED ?? Date.now() % 1_000_000)
  const only = process.env.VERISTACK_ONLY ?? ''
  process.stderr.write(`VERISTACK_SEED=${seed}\n`)
  const all = combinations().filter((c) => `${c.step}: ${c.what}`.includes(only))
  const report = await playAll(all, seed, { stages: 3, progress: (line) => process.stderr.write(`${line}\n`) })
  process.stderr.write(
    `${report.ran} combinations; ${report.idle.length} did not come to pass: ${report.idle.join('; ')}\n`,
  )
  expect(report.wrong).toEqual([])
  expect(report.ran - report.idle.length).toBeGreaterThan(500)
}, 7_200_000)

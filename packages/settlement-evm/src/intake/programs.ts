import type { Artefacts, Call, Host, Program } from '@veristack/core'
import type { ProgramId } from '@veristack/core/receipt'
import type { CheckedOptions, ReadyProgram } from './options.ts'

/** The programs that are served, published in this stack. */
export interface Programs {
  readonly ready: readonly ReadyProgram[]
  of(id: ProgramId): Program
  artefactsOf(id: ProgramId): readonly Artefacts[]
}

/** Publishes them and puts their verifiers in place, before anybody asks: no stranger's request makes this node deploy. */
export async function publishServed(o: CheckedOptions, host: Host, signal: AbortSignal): Promise<Programs> {
  const [jobs, settler] = [host.use('jobs'), host.use('settler')]
  const published = new Map<ProgramId, { readonly program: Program; readonly artefacts: readonly Artefacts[] }>()
  const ready: ReadyProgram[] = []
  for (const { program } of o.serves) {
    const made = await jobs.publish(program, { signal })
    published.set(program.id, made)
    const verifiers: ReadyProgram['verifiers'][number][] = []
    for (const artefacts of made.artefacts) {
      const onchain = host.all('onchain').find((a) => a.kind === artefacts.kind)
      if (onchain === undefined) continue
      const call: Call = { signal, idempotencyKey: `intake/${program.id}/${artefacts.kind}`, progress: () => undefined }
      const { verifier, codeHash, params } = await settler.pin(artefacts, onchain, call)
      verifiers.push({ kind: artefacts.kind, verifier, codeHash, params })
    }
    ready.push({ program: program.id, verifiers })
  }
  const of = (id: ProgramId) => {
    const found = published.get(id)
    if (found === undefined) throw new TypeError(`${id} is not served`)
    return found
  }
  return { ready, of: (id) => of(id).program, artefactsOf: (id) => of(id).artefacts }
}

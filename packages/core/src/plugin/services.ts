import type { Service } from './roles.ts'

/**
 * Runs services beside a stack. A service that fails is reported and the others go on; the returned function waits until
 * all have ended after the signal.
 */
export function runServices(
  services: readonly Service[],
  signal: AbortSignal,
  notice: (text: string) => void,
): () => Promise<void> {
  const running = services.map(async (service) => {
    try {
      await service.run(signal)
    } catch (error) {
      if (!signal.aborted)
        notice(`service ${service.name} ended: ${error instanceof Error ? error.message : String(error)}`)
    }
  })
  return async () => {
    await Promise.all(running)
  }
}

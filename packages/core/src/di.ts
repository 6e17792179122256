// The one file that knows tsyringe: the stack's container hides behind `Wiring`, whose tokens are the names of the roles.
import 'reflect-metadata'
import { container, type DependencyContainer, instanceCachingFactory } from 'tsyringe'
import type { Role, Roles } from './plugin/roles.ts'

/** Named in the global symbol registry, so that two copies of this package would mean the same role. */
const token = (role: Role): symbol => Symbol.for(`veristack.role.${role}`)

export interface Wiring {
  /** `make` runs once, when the role is first resolved. */
  bind<R extends Role>(role: R, make: () => Roles[R]): void
  /** Every implementation, in the order of binding. */
  resolve<R extends Role>(role: R): readonly Roles[R][]
  close(): void
}

/** A container of its own for each stack. */
export function createWiring(): Wiring {
  const own: DependencyContainer = container.createChildContainer()
  return {
    bind: (role, make) => {
      own.register(token(role), { useFactory: instanceCachingFactory(() => make()) })
    },
    resolve: <R extends Role>(role: R): readonly Roles[R][] =>
      own.isRegistered(token(role)) ? own.resolveAll<Roles[R]>(token(role)) : [],
    // Not `dispose`: it ends instances in no defined order; plugins are stopped in reverse by the stack.
    close: () => own.reset(),
  }
}

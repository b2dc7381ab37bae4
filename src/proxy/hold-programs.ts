import type { Program } from './program.ts'

/** A program and the number of exchanges that use it. */
export type HeldProgram = { readonly program: Program; exchanges: number }

/** The current program and those that exchanges still use. */
export type HeldPrograms = {
  readonly exchanges: number
  readonly revision: number
  /** The program for a new exchange, which must release it at its end. */
  take(): HeldProgram
  release(held: HeldProgram): void
  /** Makes `next` the current program; the previous one is closed after its last exchange. */
  swap(this: void, next: Program): void
}

export function holdPrograms(first: Program): HeldPrograms {
  let running: HeldProgram = { program: first, exchanges: 0 }
  let exchanges = 0
  return {
    get exchanges() {
      return exchanges
    },
    get revision() {
      return running.program.revision
    },
    take() {
      running.exchanges += 1
      exchanges += 1
      return running
    },
    release(held) {
      held.exchanges -= 1
      exchanges -= 1
      if (held !== running && held.exchanges === 0) held.program.close()
    },
    swap(next) {
      const previous = running
      running = { program: next, exchanges: 0 }
      if (previous.exchanges === 0) previous.program.close()
    },
  }
}

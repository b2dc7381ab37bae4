import type { Program } from './program.ts'

/** A program, and how many exchanges still run by it. */
export type HeldProgram = { readonly program: Program; exchanges: number }

/** The program that runs, and how many exchanges still run by it or by one before it. */
export type HeldPrograms = {
  readonly exchanges: number
  readonly revision: number
  /** The program for an exchange that begins, to be released when it ended. */
  take(): HeldProgram
  release(held: HeldProgram): void
  /** Lets new exchanges run by `next`; the program before is closed after its last exchange. */
  swap(this: void, next: Program): void
}

/** Holds `first` and every program after it for as long as an exchange needs it. */
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

import type { CountAnswer, CountRequest, CountReturn, Recall } from './ask-counters.ts'
import type { LedgerEntry } from './counter-ledger.ts'
import { openCounterBank, type BankOptions, type CounterBank } from './share-counters.ts'

/** What a bank without a ledger of its own asks of the one that has it; `number` grows by one with each. */
export type BankErrand = {
  readonly number: number
  readonly worker: number
  /** Absent when the worker is to be forgotten. */
  readonly message?: CountRequest | CountReturn
}

/** A bank that asks another for as long as that one counts, and then goes on with its ledger. */
export type InheritedBank = CounterBank & {
  /** The other bank has something to say to a worker, after it did all errands up to `done`. */
  told(worker: number, message: CountAnswer | Recall, done: number): void
  /** Counts by itself from now on; errands after `done` were not done by the other. */
  inherit(known: readonly LedgerEntry[], done: number): void
}

/** Opens a bank whose counts another one still keeps; `ask` takes an errand there. Nothing is counted by both, and nothing by neither. */
export function inheritCounters(
  options: BankOptions,
  ask: (errand: BankErrand) => void,
): InheritedBank {
  let errands: BankErrand[] = []
  let last = 0
  let own: CounterBank | undefined

  const send = (errand: Omit<BankErrand, 'number'>): void => {
    const numbered = { ...errand, number: (last += 1) }
    errands.push(numbered)
    ask(numbered)
  }
  const settle = (done: number): void => {
    errands = errands.filter(({ number }) => number > done)
  }
  return {
    receive(worker, message) {
      if (own === undefined) send({ worker, message })
      else own.receive(worker, message)
    },
    forget(worker) {
      if (own === undefined) send({ worker })
      else own.forget(worker)
    },
    sweep: () => own?.sweep(),
    get isQuiet() {
      return own?.isQuiet ?? errands.length === 0
    },
    list: () => own?.list() ?? [],
    told(worker, message, done) {
      settle(done)
      options.tell(worker, message)
    },
    inherit(known, done) {
      if (own !== undefined) return
      settle(done)
      own = openCounterBank({ ...options, known })
      for (const { worker, message } of errands) {
        if (message === undefined) own.forget(worker)
        else own.receive(worker, message)
      }
      errands = []
    },
  }
}

/** Does the errands of another bank in this one, which knows the workers of both; `report` takes what is said to the other's workers. */
export function lendCounters(
  bank: CounterBank,
  report: (worker: number, message: CountAnswer | Recall, done: number) => void,
) {
  const workers = new Set<number>()
  let done = 0
  return {
    /** Whether a worker of the bank is one of the other's. */
    knows: (worker: number) => worker >= offset,
    /** Takes what the bank says to a worker of the other's. */
    tell: (worker: number, message: CountAnswer | Recall) => report(worker - offset, message, done),
    run({ number, worker, message }: BankErrand): void {
      done = number
      workers.add(worker + offset)
      if (message === undefined) bank.forget(worker + offset)
      else bank.receive(worker + offset, message)
    },
    /** What the other bank is to go on with. Loans of workers that are not its own count as used. */
    close: () => ({
      done,
      known: bank
        .list()
        .map(([key, count, endsAt, lent]): LedgerEntry => [
          key,
          count,
          endsAt,
          lent.flatMap(([worker, tokens]) => (worker < offset ? [] : [[worker - offset, tokens]])),
        ]),
    }),
    /** The other bank is gone, and its workers with it. */
    abandon(): void {
      for (const worker of workers) bank.forget(worker)
    },
  }
}

/** Beyond the number of every worker that one supervisor will ever have. */
const offset = 2 ** 32

import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises'
import { Problem } from '../../lib/problem.ts'
import type { Exchange } from '../exchange.ts'
import type { HeldPrograms } from '../hold-programs.ts'

/** Distinguishes clients that disconnected from connections that the stopping gateway closed. */
export type ShutdownState = {
  /** From then on the gateway breaks connections. */
  breakIn(milliseconds: number): void
  /** Records in an exchange that the gateway broke its connection, if it did. */
  explain(this: void, exchange: Exchange): void
}

export function openShutdownState(): ShutdownState {
  let breaksAt = Number.POSITIVE_INFINITY
  const stopped = new Problem('gateway.stopped', 503, 'the gateway was stopped')
  return {
    breakIn(milliseconds) {
      breaksAt = Math.min(breaksAt, performance.now() + milliseconds)
    },
    explain(exchange) {
      if (performance.now() >= breaksAt) exchange.refuse('failed', '', stopped)
    },
  }
}

export type DrainParts = {
  /** Fronts of connections whose protocol is not known yet. */
  readonly detecting: readonly { readonly waiting: number }[]
  /** Closes connections that have sent nothing. */
  readonly closeSilent: () => void
  /** Fronts of all other connections. */
  readonly serving: readonly { drain(milliseconds: number): Promise<void> }[]
  readonly programs: HeldPrograms
  readonly shutdown: ShutdownState
}

/** Milliseconds in which a new connection may still send its first bytes. */
const maxSilence = 1_000
/** Milliseconds in which broken exchanges are recorded. */
const maxRecording = 1_000

/** Waits at most `milliseconds` for exchanges to finish, then breaks the remaining ones and waits until they are recorded. */
export async function drainFronts(
  { detecting, closeSilent, serving, programs, shutdown }: DrainParts,
  milliseconds: number,
): Promise<void> {
  const deadline = performance.now() + milliseconds
  await waitWhile(
    () => detecting.some(({ waiting }) => waiting > 0),
    Math.min(milliseconds, maxSilence),
  )
  closeSilent()
  const remaining = Math.max(0, deadline - performance.now())
  shutdown.breakIn(remaining)
  await Promise.all(serving.map((front) => front.drain(remaining)))
  await waitWhile(() => programs.exchanges > 0, maxRecording)
  await turn()
}

async function waitWhile(holds: () => boolean, milliseconds: number): Promise<void> {
  const patience = performance.now() + milliseconds
  while (holds() && performance.now() < patience) await sleep(10)
}

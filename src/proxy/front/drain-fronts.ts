import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises'
import type { Ending } from './ending.ts'
import type { HeldPrograms } from '../hold-programs.ts'

/** What is drained. */
export type Drained = {
  /** Fronts of connections that have not yet said what they want. */
  readonly hearing: readonly { readonly waiting: number }[]
  /** Closes those that still have not. */
  readonly closeSilent: () => void
  /** Fronts of all other connections. */
  readonly serving: readonly { drain(milliseconds: number): Promise<void> }[]
  readonly programs: HeldPrograms
  readonly ending: Ending
}

/** How long a draining proxy waits for connections that were just made to say what they want. */
const longestSilence = 1_000
/** How long it waits for broken exchanges to be described. */
const longestRecording = 1_000

/** Lets exchanges finish for at most `milliseconds`, then breaks what is left, and returns when that is recorded too. */
export async function drainFronts(
  { hearing, closeSilent, serving, programs, ending }: Drained,
  milliseconds: number,
): Promise<void> {
  const deadline = performance.now() + milliseconds
  await whileItHolds(
    () => hearing.some(({ waiting }) => waiting > 0),
    Math.min(milliseconds, longestSilence),
  )
  closeSilent()
  const rest = Math.max(0, deadline - performance.now())
  ending.beginIn(rest)
  await Promise.all(serving.map((front) => front.drain(rest)))
  await whileItHolds(() => programs.exchanges > 0, longestRecording)
  await turn()
}

async function whileItHolds(holds: () => boolean, milliseconds: number): Promise<void> {
  const patience = performance.now() + milliseconds
  while (holds() && performance.now() < patience) await sleep(10)
}

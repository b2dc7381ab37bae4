import { neighbor } from './char-classes.ts'
import { holds, type Step, type Steps } from './compile-steps.ts'

/** A way through the steps that is still open, and where its groups began and ended. */
type Thread = { readonly number: number; readonly places: readonly number[] }

/** Where the whole match and each group begin and end (-1 for a group that took no part), or undefined. Walks all ways side by side, so its time grows with the text and not with the ways. */
export function findGroups(
  steps: Steps,
  text: string,
  isAnchored: boolean,
): readonly number[] | undefined {
  const { classes, start, slots } = steps
  const noPlaces: readonly number[] = Array.from({ length: slots }, () => -1)
  const reached = new Uint32Array(steps.steps.length)
  let threads: Thread[] = []
  let best: readonly number[] | undefined
  let before: number = neighbor.none
  let round = 0
  for (let at = 0; at <= text.length;) {
    const point = text.codePointAt(at)
    const charClass = point === undefined ? classes.count : classes.of(point)
    const after = classes.neighbors[charClass] ?? neighbor.none
    if (best === undefined && (at === 0 || !isAnchored))
      threads.push({ number: start, places: noPlaces })
    if (threads.length === 0) break
    round += 1
    const here = { at, before, after, round }
    const { waiting, matched } = openWays(steps.steps, threads, reached, here)
    best = matched ?? best
    threads = waiting.flatMap(({ number, places }) => {
      const step = steps.steps[number] as Step & { kind: 'char' }
      return step.accepts[charClass] === 1 ? [{ number: step.next, places }] : []
    })
    before = after
    at += point !== undefined && point > 0xffff ? 2 : 1
  }
  return best
}

type Place = {
  readonly at: number
  readonly before: number
  readonly after: number
  readonly round: number
}

/** Follows every thread to the characters it waits for, best first; what is worse than a match is dropped. */
function openWays(
  steps: readonly Step[],
  threads: readonly Thread[],
  reached: Uint32Array,
  { at, before, after, round }: Place,
): { waiting: Thread[]; matched: readonly number[] | undefined } {
  const waiting: Thread[] = []
  const stack = threads.toReversed()
  while (stack.length > 0) {
    const thread = stack.pop() as Thread
    const { number, places } = thread
    if (reached[number] === round) continue
    reached[number] = round
    const step = steps[number] as Step
    if (step.kind === 'match') return { waiting, matched: places }
    if (step.kind === 'char') waiting.push(thread)
    else if (step.kind === 'split')
      stack.push({ number: step.other, places }, { number: step.next, places })
    else if (step.kind === 'save')
      stack.push({ number: step.next, places: places.with(step.slot, at) })
    else if (holds(step.look, before, after)) stack.push({ number: step.next, places })
  }
  return { waiting, matched: undefined }
}

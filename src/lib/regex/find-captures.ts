import { neighbor } from './char-classes.ts'
import { assertionHolds, type Instruction, type Nfa } from './compile-nfa.ts'

/** A thread of the Pike VM: its instruction, and the positions that it saved. */
type Thread = { readonly number: number; readonly slots: readonly number[] }

/** Start and end of the whole match and of each group (-1 for a group that did not participate), or undefined. A Pike VM: all threads advance together, so time is linear in the text. */
export function findCaptures(
  nfa: Nfa,
  text: string,
  isAnchored: boolean,
): readonly number[] | undefined {
  const { classes, start, slotCount, instructions } = nfa
  const emptySlots: readonly number[] = Array.from({ length: slotCount }, () => -1)
  const reached = new Uint32Array(instructions.length)
  let threads: Thread[] = []
  let best: readonly number[] | undefined
  let before: number = neighbor.none
  let round = 0
  for (let at = 0; at <= text.length;) {
    const point = text.codePointAt(at)
    const charClass = point === undefined ? classes.count : classes.of(point)
    const after = classes.neighbors[charClass] ?? neighbor.none
    if (best === undefined && (at === 0 || !isAnchored))
      threads.push({ number: start, slots: emptySlots })
    if (threads.length === 0) break
    round += 1
    const { pending, matched } = advance(instructions, threads, reached, round, at, before, after)
    best = matched ?? best
    threads = pending.flatMap(({ number, slots }) => {
      const current = instructions[number] as Instruction & { kind: 'char' }
      return current.accepts[charClass] === 1 ? [{ number: current.next, slots }] : []
    })
    before = after
    at += point !== undefined && point > 0xffff ? 2 : 1
  }
  return best
}

/** Follows every thread to the next character that it consumes, in order of preference, and drops threads less preferred than a match. */
function advance(
  instructions: readonly Instruction[],
  threads: readonly Thread[],
  reached: Uint32Array,
  round: number,
  at: number,
  before: number,
  after: number,
): { pending: Thread[]; matched: readonly number[] | undefined } {
  const pending: Thread[] = []
  const stack = threads.toReversed()
  while (stack.length > 0) {
    const thread = stack.pop() as Thread
    const { number, slots } = thread
    if (reached[number] === round) continue
    reached[number] = round
    const current = instructions[number] as Instruction
    if (current.kind === 'match') return { pending, matched: slots }
    if (current.kind === 'char') pending.push(thread)
    else if (current.kind === 'split')
      stack.push({ number: current.other, slots }, { number: current.next, slots })
    else if (current.kind === 'save')
      stack.push({ number: current.next, slots: slots.with(current.slot, at) })
    else if (assertionHolds(current.assertion, before, after))
      stack.push({ number: current.next, slots })
  }
  return { pending, matched: undefined }
}

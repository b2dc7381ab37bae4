import { neighbor } from './char-classes.ts'
import { holds, type Step, type Steps } from './compile-steps.ts'

/** Says whether and how far an expression matches, one table look-up for each character once it has warmed up. */
export type Recognizer = {
  /** Whether it matches: from the start of the text when anchored, else anywhere. */
  test(text: string): boolean
  /** Where the match from the start of the text ends, or -1. */
  endOf(text: string): number
}

/** All steps that may come next, best first: a state of the deterministic automaton, made when it is first reached. */
type State = {
  readonly waiting: readonly number[]
  readonly before: number
  /** Whether a match ended before the character that led here. */
  readonly matched: boolean
  /** By class of the next character; the last is for the end of the text. */
  readonly to: (State | undefined)[]
}

/** So many states are kept; a text that needs more makes them forgotten once, and goes on without keeping any. So no text can make an expression hold much memory. */
const mostStates = 100

/** Opens a recognizer over compiled steps. When it is anchored, it goes on behind the `literal` that every match begins with. */
export function openRecognizer(steps: Steps, isAnchored: boolean, literal: string): Recognizer {
  const { classes } = steps
  const certain = isAnchored ? literal : ''
  const states = openStates(steps, isAnchored, certain)

  function run(text: string, isFirstEnough: boolean): number {
    if (!text.startsWith(certain)) return -1
    let state = states.begin()
    let end = -1
    for (let at = certain.length; at < text.length; at++) {
      let point = text.charCodeAt(at)
      const place = at
      if (point >= 0xd800 && point < 0xdc00) {
        point = text.codePointAt(at) as number
        if (point > 0xffff) at++
      }
      const charClass = classes.of(point)
      state = state.to[charClass] ?? states.step(state, charClass)
      if (state.matched) {
        end = place
        if (isFirstEnough) return end
      }
      if (state.waiting.length === 0) return end
    }
    const last = state.to[classes.count] ?? states.step(state, classes.count)
    return last.matched ? text.length : end
  }

  return { test: (text) => run(text, true) >= 0, endOf: (text) => run(text, false) }
}

function openStates(steps: Steps, isAnchored: boolean, certain: string) {
  const { classes, start, hasLooks } = steps
  const follow = openFollower(steps)
  let first: State = { waiting: [start], before: neighbor.none, matched: false, to: [] }
  for (const character of certain) first = next(first, classes.of(character.codePointAt(0) ?? 0))
  const kept = new Map<string, State>()
  let hasForgotten = false

  function keep(state: State): State {
    const key = `${Number(state.matched)}${state.before}${String.fromCharCode(...state.waiting)}`
    const known = kept.get(key)
    if (known !== undefined) return known
    if (kept.size >= mostStates) {
      hasForgotten = true
      kept.clear()
      first.to.length = 0
    }
    kept.set(key, state)
    return state
  }

  function next(from: State, charClass: number): State {
    const after = classes.neighbors[charClass] ?? neighbor.none
    const { matched, waiting } = follow(from, charClass, after)
    if (!isAnchored && !waiting.includes(start)) waiting.push(start)
    return { waiting, before: hasLooks ? after : neighbor.other, matched, to: [] }
  }

  return {
    /** The state before the first character that is not certain. */
    begin(): State {
      hasForgotten = false
      return first
    },
    /** The state after a character that was not met in this state before. */
    step(from: State, charClass: number): State {
      const state = next(from, charClass)
      if (hasForgotten && kept.size >= mostStates) return state
      return (from.to[charClass] = keep(state))
    },
  }
}

/** Takes all waiting steps over one character, keeping their order; what is worse than a match is dropped. */
function openFollower({ steps }: Steps) {
  const visited = new Uint32Array(steps.length)
  const queued = new Uint32Array(steps.length)
  let round = 0
  return (from: State, charClass: number, after: number) => {
    round += 1
    const waiting: number[] = []
    const stack = from.waiting.toReversed()
    while (stack.length > 0) {
      const number = stack.pop() as number
      if (visited[number] === round) continue
      visited[number] = round
      const step = steps[number] as Step
      if (step.kind === 'match') return { matched: true, waiting }
      if (step.kind === 'char') {
        if (step.accepts[charClass] !== 1 || queued[step.next] === round) continue
        queued[step.next] = round
        waiting.push(step.next)
      } else if (step.kind === 'split') stack.push(step.other, step.next)
      else if (step.kind === 'save' || holds(step.look, from.before, after)) stack.push(step.next)
    }
    return { matched: false, waiting }
  }
}

import { neighbor } from './char-classes.ts'
import { assertionHolds, type Instruction, type Nfa } from './compile-nfa.ts'

/** A deterministic automaton whose states are built while texts are matched, as in RE2. */
export type LazyDfa = {
  /** Whether it matches: at the start of the text when anchored, else anywhere. */
  test(text: string): boolean
  /** The end of the match that begins at the start of the text, or -1. */
  endOf(text: string): number
  /** Number of states held in memory. */
  countStates(): number
}

type State = {
  /** The instructions that may consume the next character, in order of preference. */
  readonly pending: readonly number[]
  /** The class of the character before this state, as assertions see it. */
  readonly before: number
  /** Whether a match ended before the character that led here. */
  readonly matched: boolean
  /** Transitions by class of the next character; the last one is for the end of the text. */
  readonly to: (State | undefined)[]
}

/**
 * Limit of the state cache of one expression, so that no text can make it hold much memory. At the limit the cache is
 * cleared, once per text; the rest of that text runs without adding states.
 */
export const maxCachedStates = 100

/** An anchored automaton starts after the literal that every match begins with. */
export function openLazyDfa(nfa: Nfa, isAnchored: boolean, literal: string): LazyDfa {
  const { classes } = nfa
  const prefix = isAnchored ? literal : ''
  const states = openStates(nfa, isAnchored, prefix)

  function run(text: string, isFirstEnough: boolean): number {
    if (!text.startsWith(prefix)) return -1
    let state = states.begin()
    let end = -1
    for (let at = prefix.length; at < text.length; at++) {
      let point = text.charCodeAt(at)
      const position = at
      if (point >= 0xd800 && point < 0xdc00) {
        point = text.codePointAt(at) as number
        if (point > 0xffff) at++
      }
      const charClass = classes.of(point)
      state = state.to[charClass] ?? states.step(state, charClass)
      if (state.matched) {
        end = position
        if (isFirstEnough) return end
      }
      if (state.pending.length === 0) return end
    }
    const last = state.to[classes.count] ?? states.step(state, classes.count)
    return last.matched ? text.length : end
  }

  return {
    test: (text) => run(text, true) >= 0,
    endOf: (text) => run(text, false),
    countStates: states.count,
  }
}

function openStates(nfa: Nfa, isAnchored: boolean, prefix: string) {
  const { classes, start, hasAssertions } = nfa
  const follow = openFollower(nfa)
  let first: State = { pending: [start], before: neighbor.none, matched: false, to: [] }
  for (const character of prefix) first = next(first, classes.of(character.codePointAt(0) ?? 0))
  const cache = new Map<string, State>()
  let hasCleared = false

  function intern(state: State): State {
    const key = `${Number(state.matched)}${state.before}${String.fromCharCode(...state.pending)}`
    const known = cache.get(key)
    if (known !== undefined) return known
    if (cache.size >= maxCachedStates) {
      hasCleared = true
      cache.clear()
      first.to.length = 0
    }
    cache.set(key, state)
    return state
  }

  function next(from: State, charClass: number): State {
    const after = classes.neighbors[charClass] ?? neighbor.none
    const { matched, pending } = follow(from, charClass, after)
    if (!isAnchored && !pending.includes(start)) pending.push(start)
    return { pending, before: hasAssertions ? after : neighbor.other, matched, to: [] }
  }

  return {
    /** The state after the literal prefix. */
    begin(): State {
      hasCleared = false
      return first
    },
    /** Computes a transition that is not cached. */
    step(from: State, charClass: number): State {
      const state = next(from, charClass)
      if (hasCleared && cache.size >= maxCachedStates) return state
      return (from.to[charClass] = intern(state))
    },
    count: () => countReachable([first, ...cache.values()]),
  }
}

function countReachable(roots: readonly State[]): number {
  const reached = new Set<State>(roots)
  for (const { to } of reached) for (const state of to) if (state !== undefined) reached.add(state)
  return reached.size
}

/** Advances all pending instructions over one character in order of preference, and drops those less preferred than a match. */
function openFollower({ instructions }: Nfa) {
  const visited = new Uint32Array(instructions.length)
  const queued = new Uint32Array(instructions.length)
  let round = 0
  return (from: State, charClass: number, after: number) => {
    round += 1
    const pending: number[] = []
    const stack = from.pending.toReversed()
    while (stack.length > 0) {
      const number = stack.pop() as number
      if (visited[number] === round) continue
      visited[number] = round
      const current = instructions[number] as Instruction
      if (current.kind === 'match') return { matched: true, pending }
      if (current.kind === 'char') {
        if (current.accepts[charClass] !== 1 || queued[current.next] === round) continue
        queued[current.next] = round
        pending.push(current.next)
      } else if (current.kind === 'split') stack.push(current.other, current.next)
      else if (current.kind === 'save' || assertionHolds(current.assertion, from.before, after))
        stack.push(current.next)
    }
    return { matched: false, pending }
  }
}

import { buildClasses, neighbor, type CharClasses } from './char-classes.ts'
import type { CharSet } from './char-set.ts'
import type { Look, Parsed, Syntax } from './syntax.ts'

/** One step of a compiled expression; `next` and `other` are numbers of steps, and `next` is preferred. */
export type Step =
  | { readonly kind: 'char'; readonly accepts: Uint8Array; readonly next: number }
  | { readonly kind: 'split'; readonly next: number; readonly other: number }
  | { readonly kind: 'look'; readonly look: Look; readonly next: number }
  | { readonly kind: 'save'; readonly slot: number; readonly next: number }
  | { readonly kind: 'match' }

/** An expression compiled to steps. */
export type Steps = {
  readonly steps: readonly Step[]
  readonly start: number
  readonly classes: CharClasses
  readonly hasLooks: boolean
  /** Two for the whole match and two for each group. */
  readonly slots: number
}

/** Compiles a parsed expression. */
export function compileSteps({ syntax, groups }: Parsed): Steps {
  const sets = new Set<CharSet>()
  collectSets(syntax, sets)
  const classes = buildClasses(sets)
  const writer = new Writer(new Map([...sets].map((set) => [set, classes.acceptedBy(set)])))
  const end = writer.put({ kind: 'save', slot: 1, next: writer.put({ kind: 'match' }) })
  const start = writer.put({ kind: 'save', slot: 0, next: writer.write(syntax, end) })
  const { steps } = writer
  const hasLooks = steps.some(({ kind }) => kind === 'look')
  return { steps, start, classes, hasLooks, slots: 2 * groups + 2 }
}

/** Writes steps from the last to the first: each is told what follows it. */
class Writer {
  readonly steps: Step[] = []
  readonly #accepted: ReadonlyMap<CharSet, Uint8Array>

  constructor(accepted: ReadonlyMap<CharSet, Uint8Array>) {
    this.#accepted = accepted
  }

  put(step: Step): number {
    return this.steps.push(step) - 1
  }

  /** Writes `part` before the step `next`, and gives the number of its first step. */
  write(part: Syntax, next: number): number {
    switch (part.kind) {
      case 'set': {
        const accepts = this.#accepted.get(part.set) as Uint8Array
        return this.put({ kind: 'char', accepts, next })
      }
      case 'look':
        return this.put({ kind: 'look', look: part.look, next })
      case 'group': {
        const close = this.put({ kind: 'save', slot: 2 * part.index + 1, next })
        const inner = this.write(part.inner, close)
        return this.put({ kind: 'save', slot: 2 * part.index, next: inner })
      }
      case 'sequence':
        return part.parts.reduceRight((entry, inner) => this.write(inner, entry), next)
      case 'choice':
        return part.options
          .map((option) => this.write(option, next))
          .reduceRight((other, option) => this.put({ kind: 'split', next: option, other }))
      case 'repeat':
        return part.most === Infinity ? this.#writeLoop(part, next) : this.#writeCopies(part, next)
    }
  }

  #writeLoop({ inner, least, lazy }: Repeat, next: number): number {
    const loop = this.put({ kind: 'match' })
    const body = this.write(inner, loop)
    this.steps[loop] = splitOf(body, next, lazy)
    // Entered at its body, the loop runs at least once.
    let entry = least === 0 ? loop : body
    for (let written = 1; written < least; written++) entry = this.write(inner, entry)
    return entry
  }

  #writeCopies({ inner, least, most, lazy }: Repeat, next: number): number {
    let entry = next
    for (let optional = least; optional < most; optional++)
      entry = this.put(splitOf(this.write(inner, entry), next, lazy))
    for (let written = 0; written < least; written++) entry = this.write(inner, entry)
    return entry
  }
}

type Repeat = Syntax & { readonly kind: 'repeat' }

const splitOf = (more: number, enough: number, lazy: boolean): Step =>
  lazy ? { kind: 'split', next: enough, other: more } : { kind: 'split', next: more, other: enough }

function collectSets(part: Syntax, sets: Set<CharSet>): void {
  if (part.kind === 'set') sets.add(part.set)
  else if (part.kind === 'sequence') for (const inner of part.parts) collectSets(inner, sets)
  else if (part.kind === 'choice') for (const option of part.options) collectSets(option, sets)
  else if (part.kind === 'group' || part.kind === 'repeat') collectSets(part.inner, sets)
}

/** Whether a condition holds between two neighbors. */
export function holds(look: Look, before: number, after: number): boolean {
  const { none, lineFeed, word } = neighbor
  switch (look) {
    case 'start':
      return before === none
    case 'end':
      return after === none
    case 'line-start':
      return before === none || before === lineFeed
    case 'line-end':
      return after === none || after === lineFeed
    case 'boundary':
      return (before === word) !== (after === word)
    case 'inside':
      return (before === word) === (after === word)
  }
}

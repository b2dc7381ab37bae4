import { buildClasses, neighbor, type CharClasses } from './char-classes.ts'
import type { CharSet } from './char-set.ts'
import type { Assertion, Parsed, Syntax } from './syntax.ts'

/** An instruction of the Pike VM; `next` and `other` are indexes of instructions, and `next` is preferred. */
export type Instruction =
  | { readonly kind: 'char'; readonly accepts: Uint8Array; readonly next: number }
  | { readonly kind: 'split'; readonly next: number; readonly other: number }
  | { readonly kind: 'assertion'; readonly assertion: Assertion; readonly next: number }
  | { readonly kind: 'save'; readonly slot: number; readonly next: number }
  | { readonly kind: 'match' }

export type Nfa = {
  readonly instructions: readonly Instruction[]
  readonly start: number
  readonly classes: CharClasses
  readonly hasAssertions: boolean
  /** Two slots for the whole match and two for each group. */
  readonly slotCount: number
}

export function compileNfa({ syntax, groups }: Parsed): Nfa {
  const sets = new Set<CharSet>()
  collectSets(syntax, sets)
  const classes = buildClasses(sets)
  const writer = new Writer(new Map([...sets].map((set) => [set, classes.acceptedBy(set)])))
  const end = writer.put({ kind: 'save', slot: 1, next: writer.put({ kind: 'match' }) })
  const start = writer.put({ kind: 'save', slot: 0, next: writer.write(syntax, end) })
  const { instructions } = writer
  const hasAssertions = instructions.some(({ kind }) => kind === 'assertion')
  return { instructions, start, classes, hasAssertions, slotCount: 2 * groups + 2 }
}

/** Emits instructions from the last to the first, because each refers to its successor. */
class Writer {
  readonly instructions: Instruction[] = []
  readonly #accepted: ReadonlyMap<CharSet, Uint8Array>

  constructor(accepted: ReadonlyMap<CharSet, Uint8Array>) {
    this.#accepted = accepted
  }

  put(instruction: Instruction): number {
    return this.instructions.push(instruction) - 1
  }

  /** Emits `part` so that it continues at `next`; returns the index of its first instruction. */
  write(part: Syntax, next: number): number {
    switch (part.kind) {
      case 'set': {
        const accepts = this.#accepted.get(part.set) as Uint8Array
        return this.put({ kind: 'char', accepts, next })
      }
      case 'assertion':
        return this.put({ kind: 'assertion', assertion: part.assertion, next })
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
        return part.max === Infinity ? this.#writeLoop(part, next) : this.#writeCopies(part, next)
    }
  }

  #writeLoop({ inner, min, lazy }: Repeat, next: number): number {
    const loop = this.put({ kind: 'match' })
    const body = this.write(inner, loop)
    this.instructions[loop] = splitOf(body, next, lazy)
    // Entering at the body runs the loop at least once.
    let entry = min === 0 ? loop : body
    for (let written = 1; written < min; written++) entry = this.write(inner, entry)
    return entry
  }

  #writeCopies({ inner, min, max, lazy }: Repeat, next: number): number {
    let entry = next
    for (let optional = min; optional < max; optional++)
      entry = this.put(splitOf(this.write(inner, entry), next, lazy))
    for (let written = 0; written < min; written++) entry = this.write(inner, entry)
    return entry
  }
}

type Repeat = Syntax & { readonly kind: 'repeat' }

const splitOf = (more: number, enough: number, lazy: boolean): Instruction =>
  lazy ? { kind: 'split', next: enough, other: more } : { kind: 'split', next: more, other: enough }

function collectSets(part: Syntax, sets: Set<CharSet>): void {
  if (part.kind === 'set') sets.add(part.set)
  else if (part.kind === 'sequence') for (const inner of part.parts) collectSets(inner, sets)
  else if (part.kind === 'choice') for (const option of part.options) collectSets(option, sets)
  else if (part.kind === 'group' || part.kind === 'repeat') collectSets(part.inner, sets)
}

/** Whether an assertion holds between two neighboring characters. */
export function assertionHolds(assertion: Assertion, before: number, after: number): boolean {
  const { none, lineFeed, word } = neighbor
  switch (assertion) {
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

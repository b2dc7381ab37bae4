import type { CharSet } from './char-set.ts'

/** A zero-width assertion; `inside` is `\B`. */
export type Assertion = 'start' | 'end' | 'line-start' | 'line-end' | 'boundary' | 'inside'

export type Syntax =
  | { readonly kind: 'set'; readonly set: CharSet }
  | { readonly kind: 'assertion'; readonly assertion: Assertion }
  | { readonly kind: 'group'; readonly index: number; readonly inner: Syntax }
  | { readonly kind: 'sequence'; readonly parts: readonly Syntax[] }
  | { readonly kind: 'choice'; readonly options: readonly Syntax[] }
  | {
      readonly kind: 'repeat'
      readonly inner: Syntax
      readonly min: number
      readonly max: number
      readonly lazy: boolean
    }

export type Parsed = {
  readonly syntax: Syntax
  readonly groups: number
  readonly names: ReadonlyMap<string, number>
}

/** The literal text that every match begins with. */
export function literalPrefix(syntax: Syntax): string {
  return startOf(syntax).text
}

/** Whether every match begins at the start of the text. */
export function startsAtStart(syntax: Syntax): boolean {
  switch (syntax.kind) {
    case 'assertion':
      return syntax.assertion === 'start'
    case 'group':
      return startsAtStart(syntax.inner)
    case 'sequence':
      return syntax.parts.some((part) => startsAtStart(part))
    case 'choice':
      return syntax.options.every(startsAtStart)
    case 'repeat':
      return syntax.min > 0 && startsAtStart(syntax.inner)
    case 'set':
      return false
  }
}

/** The literal text at the start of a match; `whole` when the match is nothing else. */
function startOf(syntax: Syntax): { readonly text: string; readonly whole: boolean } {
  switch (syntax.kind) {
    case 'set': {
      const [first = 0, last] = syntax.set
      const isOne = syntax.set.length === 2 && first === last
      return isOne ? { text: String.fromCodePoint(first), whole: true } : nothing
    }
    case 'assertion':
      return { text: '', whole: true }
    case 'group':
      return startOf(syntax.inner)
    case 'sequence':
      return startOfSequence(syntax.parts)
    case 'choice':
      return { text: syntax.options.map(literalPrefix).reduce(commonStart), whole: false }
    case 'repeat':
      return syntax.min === 0 ? nothing : { text: literalPrefix(syntax.inner), whole: false }
  }
}

function startOfSequence(parts: readonly Syntax[]): { text: string; whole: boolean } {
  let text = ''
  for (const part of parts) {
    const start = startOf(part)
    text += start.text
    if (!start.whole) return { text, whole: false }
  }
  return { text, whole: true }
}

const nothing = { text: '', whole: false }

function commonStart(one: string, other: string): string {
  let length = 0
  while (length < one.length && one[length] === other[length]) length++
  // Do not split a surrogate pair.
  return one.slice(0, length).replace(/[\ud800-\udbff]$/, '')
}

/** The number of instructions after counted repetitions are expanded; at least one for each part. */
export function countInstructions(syntax: Syntax): number {
  switch (syntax.kind) {
    case 'set':
    case 'assertion':
      return 1
    case 'group':
      return 2 + countInstructions(syntax.inner)
    case 'sequence':
      return syntax.parts.reduce((sum, part) => sum + countInstructions(part), 1)
    case 'choice':
      return syntax.options.reduce((sum, option) => sum + 1 + countInstructions(option), 0)
    case 'repeat': {
      const copies = syntax.max === Infinity ? syntax.min + 1 : syntax.max
      return 1 + copies * (1 + countInstructions(syntax.inner))
    }
  }
}

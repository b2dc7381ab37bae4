import type { CharSet } from './char-set.ts'

/** A condition on a place between two characters. */
export type Look = 'start' | 'end' | 'line-start' | 'line-end' | 'boundary' | 'inside'

/** A regular expression as a tree. */
export type Syntax =
  | { readonly kind: 'set'; readonly set: CharSet }
  | { readonly kind: 'look'; readonly look: Look }
  | { readonly kind: 'group'; readonly index: number; readonly inner: Syntax }
  | { readonly kind: 'sequence'; readonly parts: readonly Syntax[] }
  | { readonly kind: 'choice'; readonly options: readonly Syntax[] }
  | {
      readonly kind: 'repeat'
      readonly inner: Syntax
      readonly least: number
      readonly most: number
      readonly lazy: boolean
    }

/** A parsed expression: its tree, and the names of its groups by number. */
export type Parsed = {
  readonly syntax: Syntax
  readonly groups: number
  readonly names: ReadonlyMap<string, number>
}

/** The characters every match begins with, as far as they are certain. */
export function certainStart(syntax: Syntax): string {
  return startOf(syntax).text
}

/** What a match of `syntax` begins with, and whether that is all it consists of. */
function startOf(syntax: Syntax): { readonly text: string; readonly whole: boolean } {
  switch (syntax.kind) {
    case 'set': {
      const [first = 0, last] = syntax.set
      const isOne = syntax.set.length === 2 && first === last
      return isOne ? { text: String.fromCodePoint(first), whole: true } : nothing
    }
    case 'look':
      return { text: '', whole: true }
    case 'group':
      return startOf(syntax.inner)
    case 'sequence':
      return startOfSequence(syntax.parts)
    case 'choice':
      return { text: syntax.options.map(certainStart).reduce(commonStart), whole: false }
    case 'repeat':
      return syntax.least === 0 ? nothing : { text: certainStart(syntax.inner), whole: false }
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
  // Half of a surrogate pair is no character.
  return one.slice(0, length).replace(/[\ud800-\udbff]$/, '')
}

/** How many steps an expression has once its counted repetitions are written out; at least one for each part. */
export function sizeOf(syntax: Syntax): number {
  switch (syntax.kind) {
    case 'set':
    case 'look':
      return 1
    case 'group':
      return 2 + sizeOf(syntax.inner)
    case 'sequence':
      return syntax.parts.reduce((sum, part) => sum + sizeOf(part), 1)
    case 'choice':
      return syntax.options.reduce((sum, option) => sum + 1 + sizeOf(option), 0)
    case 'repeat': {
      const copies = syntax.most === Infinity ? syntax.least + 1 : syntax.most
      return 1 + copies * (1 + sizeOf(syntax.inner))
    }
  }
}

import { regexSize, typeError } from './expression/check-predicate.ts'
import { readLiteral } from './expression/read-literal.ts'
import { Source } from './expression/source.ts'
import type { Expression, FieldType, Operator, Predicate } from './expression/syntax.ts'
import { Problem } from './problem.ts'

export type { Expression, FieldType, Predicate } from './expression/syntax.ts'

export type Field = { readonly name: string; readonly type: FieldType }

/** Finds a field; undefined when there is no such field. */
type FindField = (name: string) => Field | undefined

/** Characters. With the depth it bounds the work of a parse and of an evaluation. */
const maxLength = 16_384
/** Parentheses and functions within each other. */
const maxDepth = 100
/** Of all regular expressions together; each character of a value costs at most a visit to each. */
const maxInstructions = 4_000

/**
 * Parses an expression in the language of Kong's router `expressions` (ATC), and checks its types. `||` binds stronger
 * than `&&`, as there. Throws a Problem with the line and column of the error.
 */
export function parseExpression(text: string, findField: FindField): Expression {
  const source = new Source(text)
  if (text.length > maxLength) source.fail(`more than ${maxLength} characters`, maxLength)
  const parser = new Parser(source, findField)
  const expression = parser.readAnd(0)
  if (!source.isAtEnd) source.fail("expected '&&', '||' or the end")
  return expression
}

class Parser {
  readonly #source: Source
  readonly #findField: FindField
  #instructions = 0

  constructor(source: Source, findField: FindField) {
    this.#source = source
    this.#findField = findField
  }

  readAnd(depth: number): Expression {
    if (depth > maxDepth) this.#source.fail(`more than ${maxDepth} levels of parentheses`)
    return this.#readChain('and', '&&', () =>
      this.#readChain('or', '||', () => this.#readTerm(depth)),
    )
  }

  #readChain(kind: 'and' | 'or', separator: string, read: () => Expression): Expression {
    const first = read()
    const parts = [first]
    while (this.#source.take(separator)) parts.push(read())
    return parts.length === 1 ? first : { kind, parts }
  }

  #readTerm(depth: number): Expression {
    const isNegated = this.#source.take('!')
    if (!this.#source.take('(')) {
      return isNegated ? this.#source.fail("expected '(' after '!'") : this.#readPredicate()
    }
    const inner = this.readAnd(depth + 1)
    if (!this.#source.take(')')) this.#source.fail("expected '&&', '||' or ')'")
    return isNegated ? { kind: 'not', inner } : inner
  }

  #readPredicate(): Predicate {
    const { at } = this.#source
    const { name, functions } = this.#readField()
    const operator = this.#readOperator()
    const literalAt = this.#source.at
    const literal = readLiteral(this.#source)
    const field = this.#findField(name)
    if (field === undefined) return this.#source.fail(`unknown field '${name}'`, at)
    const predicate: Predicate = {
      kind: 'predicate',
      field: field.name,
      lower: functions.includes('lower'),
      any: functions.includes('any'),
      operator,
      literal,
    }
    const complaint = typeError(predicate, field.type)
    if (complaint !== undefined) this.#source.fail(complaint, at)
    this.#countRegex(predicate, literalAt)
    return predicate
  }

  #readField(): { readonly name: string; readonly functions: readonly string[] } {
    const functions: string[] = []
    let name = this.#readName("expected a field, a function or '('")
    while (this.#source.take('(')) {
      if (name !== 'lower' && name !== 'any') this.#source.fail(`unknown function '${name}'`)
      functions.push(name)
      if (functions.length > maxDepth) this.#source.fail(`more than ${maxDepth} functions`)
      name = this.#readName('expected a field or a function')
    }
    for (const _ of functions) if (!this.#source.take(')')) this.#source.fail("expected ')'")
    return { name, functions }
  }

  #readName(complaint: string): string {
    return this.#source.match(/[a-z][\w.]*/iy)?.[0] ?? this.#source.fail(complaint)
  }

  #readOperator(): Operator {
    const found = this.#source.match(/==|!=|~|\^=|=\^|>=|>|<=|<|in|not[ \t\r\n]+in|contains/y)
    if (found === undefined) return this.#source.fail(`expected one of ${operators.join(', ')}`)
    return (found[0].startsWith('not') ? 'not in' : found[0]) as Operator
  }

  #countRegex(predicate: Predicate, at: number): void {
    try {
      this.#instructions += regexSize(predicate)
    } catch (error) {
      if (error instanceof Problem) this.#source.fail(error.message, at)
      throw error
    }
    if (this.#instructions > maxInstructions)
      this.#source.fail(
        `the regular expressions have more than ${maxInstructions} instructions after their repetitions are expanded`,
        at,
      )
  }
}

const operators: readonly Operator[] = [
  '==',
  '!=',
  '~',
  '^=',
  '=^',
  '>',
  '>=',
  '<',
  '<=',
  'in',
  'not in',
  'contains',
]

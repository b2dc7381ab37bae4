import { SocketAddress } from 'node:net'
import type { Expression, Predicate } from '../../lib/expression.ts'
import { blockListOf, familyOf, readRange } from '../../lib/ip-range.ts'
import { linearRegex, type LinearRegex } from '../../lib/linear-regex.ts'

/** The value of a field; several for a repeated header or parameter, undefined when there is none. */
type Values = string | number | readonly string[] | undefined

/** Reads a field of the matched input. */
export type ReadField<Input> = (input: Input) => Values

/** A regular expression, and the same anchored at the start of the text. */
export type Regexes = { readonly anywhere: LinearRegex; readonly atStart: LinearRegex }

/** Called with the predicates that hold, in the order in which they are tested; `text` is the value. */
export type OnHold = (predicate: Predicate, text: string, regexes: Regexes | undefined) => void

/** Whether an expression holds, tested from left to right as far as is necessary. */
export type ExpressionTest<Input> = (input: Input, onHold?: OnHold) => boolean

/** Compiles an expression; its regular expressions run in linear time. */
export function compileExpression<Input>(
  expression: Expression,
  readerOf: (field: string) => ReadField<Input>,
): ExpressionTest<Input> {
  switch (expression.kind) {
    case 'predicate':
      return compilePredicate(expression, readerOf(expression.field))
    case 'not': {
      const inner = compileExpression(expression.inner, readerOf)
      return (input) => !inner(input)
    }
    case 'and': {
      const parts = expression.parts.map((part) => compileExpression(part, readerOf))
      return (input, onHold) => {
        for (const holds of parts) if (!holds(input, onHold)) return false
        return true
      }
    }
    case 'or': {
      const parts = expression.parts.map((part) => compileExpression(part, readerOf))
      return (input, onHold) => {
        for (const holds of parts) if (holds(input, onHold)) return true
        return false
      }
    }
  }
}

/** Without a value no predicate holds, not even `!=` and `not in`. */
function compilePredicate<Input>(
  predicate: Predicate,
  read: ReadField<Input>,
): ExpressionTest<Input> {
  const { any, lower } = predicate
  const { holds, regexes } = compileOperator(predicate)
  const test = (value: string | number, onHold: OnHold | undefined): boolean => {
    const text = lower ? String(value).toLowerCase() : value
    if (!holds(text)) return false
    onHold?.(predicate, String(text), regexes)
    return true
  }
  return (input, onHold) => {
    const values = read(input)
    if (values === undefined) return false
    if (typeof values !== 'object') return test(values, onHold)
    if (any) return values.some((value) => test(value, onHold))
    return values.length > 0 && values.every((value) => test(value, onHold))
  }
}

type Operator = Predicate['operator']

type Compared = {
  readonly holds: (value: string | number) => boolean
  readonly regexes?: Regexes
}

/** The literal of `net.protocol` and other fields is compared case-sensitively; host names are compared in lower case. */
const caseless: ReadonlySet<string> = new Set(['http.host', 'tls.sni'])

function compileOperator({ field, operator, literal }: Predicate): Compared {
  switch (literal.kind) {
    case 'ip': {
      const { address } = new SocketAddress(literal)
      return operator === '=='
        ? { holds: (value) => value === address }
        : { holds: (value) => value !== address }
    }
    case 'cidr': {
      const list = blockListOf([readRange(literal.block)])
      // A BlockList compares IPv4 addresses with blocks of IPv6 too.
      const isIn = (value: string | number): boolean =>
        familyOf(String(value)) === literal.family && list.check(String(value), literal.family)
      return operator === 'in' ? { holds: isIn } : { holds: (value) => !isIn(value) }
    }
    case 'int': {
      const compare = numberComparisons[operator] as Comparison<number>
      return { holds: (value) => compare(Number(value), literal.number) }
    }
    case 'string': {
      if (operator === '~') {
        const options = { ignoreCase: caseless.has(field), name: field }
        const anywhere = linearRegex(literal.text, options)
        const atStart = linearRegex(literal.text, { ...options, anchored: true })
        return {
          holds: (value) => anywhere.test(String(value)),
          regexes: { anywhere, atStart },
        }
      }
      const text = caseless.has(field) ? literal.text.toLowerCase() : literal.text
      const compare = stringComparisons[operator] as Comparison<string>
      return { holds: (value) => compare(String(value), text) }
    }
  }
}

type Comparison<Value> = (value: Value, literal: Value) => boolean

const numberComparisons: Readonly<Partial<Record<Operator, Comparison<number>>>> = {
  '==': (value, literal) => value === literal,
  '!=': (value, literal) => value !== literal,
  '>': (value, literal) => value > literal,
  '>=': (value, literal) => value >= literal,
  '<': (value, literal) => value < literal,
  '<=': (value, literal) => value <= literal,
}

const stringComparisons: Readonly<Partial<Record<Operator, Comparison<string>>>> = {
  '==': (value, literal) => value === literal,
  '!=': (value, literal) => value !== literal,
  '^=': (value, literal) => value.startsWith(literal),
  '=^': (value, literal) => value.endsWith(literal),
  contains: (value, literal) => value.includes(literal),
}

import { linearRegex } from '../linear-regex.ts'
import type { FieldType, Literal, Operator, Predicate } from './syntax.ts'

type Operands = {
  readonly field: FieldType
  readonly literal: Literal['kind']
}

const strings: Operands = { field: 'string', literal: 'string' }
const integers: Operands = { field: 'int', literal: 'int' }
const blocks: Operands = { field: 'ip', literal: 'cidr' }

/** Operand types of each operator. */
const operands: Readonly<Record<Operator, readonly Operands[]>> = {
  '==': [strings, integers, { field: 'ip', literal: 'ip' }],
  '!=': [strings, integers, { field: 'ip', literal: 'ip' }],
  '~': [strings],
  '^=': [strings],
  '=^': [strings],
  contains: [strings],
  '>': [integers],
  '>=': [integers],
  '<': [integers],
  '<=': [integers],
  in: [blocks],
  'not in': [blocks],
}

const fieldTypes = { string: 'string', int: 'integer', ip: 'IP address' } as const
const literalTypes = {
  string: 'string',
  int: 'integer',
  ip: 'IP address',
  cidr: 'CIDR block',
} as const

/** The type error of a predicate; undefined when it is valid. */
export function typeError(
  { field, operator, literal, lower }: Predicate,
  type: FieldType,
): string | undefined {
  const known = operands[operator]
  if (!known.some((pair) => pair.field === type))
    return `'${operator}' does not apply to '${field}', which is of type ${fieldTypes[type]}`
  const expected = known.find((pair) => pair.field === type) as Operands
  if (expected.literal !== literal.kind)
    return `'${field} ${operator}' takes a literal of type ${literalTypes[expected.literal]}, and not of type ${literalTypes[literal.kind]}`
  return lower && type !== 'string'
    ? `'lower' does not apply to '${field}', which is of type ${fieldTypes[type]}`
    : undefined
}

/** The number of instructions of the regular expression of a predicate; throws a Problem when it is invalid. */
export const regexSize = ({ operator, literal }: Predicate): number =>
  operator === '~' && literal.kind === 'string'
    ? linearRegex(literal.text, { name: 'the regular expression' }).size
    : 0

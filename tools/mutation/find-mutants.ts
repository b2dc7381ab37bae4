import { parseSync, Visitor, type ESTree } from 'vite'

/** A mutation of one position in a source file. */
export type Mutant = {
  readonly operator: Operator
  /** 1-based. */
  readonly line: number
  readonly start: number
  readonly end: number
  readonly replacement: string
}

/** Names follow Stryker's operators where it has them. */
export type Operator =
  | 'EqualityOperator'
  | 'LogicalOperator'
  | 'ArithmeticOperator'
  | 'ConditionalExpression'
  | 'BooleanLiteral'
  | 'NumericLiteral'
  | 'UnaryOperator'
  | 'MethodExpression'
  | 'StatementRemoval'
  | 'ReturnValue'

const binary: Readonly<Record<string, readonly [Operator, string]>> = {
  '<': ['EqualityOperator', '<='],
  '<=': ['EqualityOperator', '<'],
  '>': ['EqualityOperator', '>='],
  '>=': ['EqualityOperator', '>'],
  '===': ['EqualityOperator', '!=='],
  '!==': ['EqualityOperator', '==='],
  '-': ['ArithmeticOperator', '+'],
  '*': ['ArithmeticOperator', '/'],
  '/': ['ArithmeticOperator', '*'],
  '%': ['ArithmeticOperator', '*'],
}

const logical: Readonly<Record<string, string>> = { '&&': '||', '||': '&&', '??': '&&' }

/** A map, because sources call methods such as `toString`, which every object has. */
const methods: ReadonlyMap<string, string> = new Map([
  ['some', 'every'],
  ['every', 'some'],
  ['min', 'max'],
  ['max', 'min'],
  ['startsWith', 'endsWith'],
  ['endsWith', 'startsWith'],
  ['toLowerCase', 'toUpperCase'],
  ['filter', 'slice'],
])

/** Mutants in order of position; types are not mutated. */
export function findMutants(path: string, text: string): Mutant[] {
  const { program, errors } = parseSync(path, text)
  if (errors.length > 0) throw new Error(`${path}: ${errors[0]?.message}`)
  const mutants: Mutant[] = []
  const inTypes = new Set<ESTree.Node>()
  const add = (
    operator: Operator,
    { start, end }: { readonly start: number; readonly end: number },
    replacement: string,
  ): void => {
    if (text.slice(start, end) === replacement) return
    mutants.push({ operator, line: lineAt(text, start), start, end, replacement })
  }
  const addCondition = (test: ESTree.Expression): void => {
    add('ConditionalExpression', test, 'true')
    add('ConditionalExpression', test, 'false')
  }
  const between = (left: ESTree.Node, right: ESTree.Node, operator: string) => {
    const start = text.indexOf(operator, left.end)
    return start === -1 || start >= right.start
      ? undefined
      : { start, end: start + operator.length }
  }
  new Visitor({
    TSLiteralType: (node) => void inTypes.add(node.literal),
    TSEnumMember: (node) => void (node.initializer !== null && inTypes.add(node.initializer)),
    BinaryExpression(node) {
      const [operator, other] = binary[node.operator] ?? []
      const range = between(node.left, node.right, node.operator)
      if (operator !== undefined && other !== undefined && range !== undefined)
        add(operator, range, other)
    },
    LogicalExpression(node) {
      const other = logical[node.operator]
      const range = between(node.left, node.right, node.operator)
      if (other !== undefined && range !== undefined) add('LogicalOperator', range, other)
    },
    IfStatement: (node) => addCondition(node.test),
    ConditionalExpression: (node) => addCondition(node.test),
    WhileStatement: (node) => add('ConditionalExpression', node.test, 'false'),
    UnaryExpression(node) {
      if (node.operator === '!')
        add('UnaryOperator', node, text.slice(node.argument.start, node.end))
    },
    Literal(node) {
      if (inTypes.has(node)) return
      if (typeof node.value === 'boolean') add('BooleanLiteral', node, String(!node.value))
      if (typeof node.value === 'number') add('NumericLiteral', node, `(${node.raw} + 1)`)
    },
    CallExpression(node) {
      const { callee } = node
      if (callee.type !== 'MemberExpression' || callee.property.type !== 'Identifier') return
      const other = methods.get(callee.property.name)
      if (other !== undefined) add('MethodExpression', callee.property, other)
    },
    ExpressionStatement(node) {
      const expression =
        node.expression.type === 'AwaitExpression' ? node.expression.argument : node.expression
      if (['CallExpression', 'AssignmentExpression', 'UpdateExpression'].includes(expression.type))
        add('StatementRemoval', node, ';')
    },
    ReturnStatement(node) {
      const { argument } = node
      if (argument === null || argument.type === 'Literal') return
      if (argument.type === 'Identifier' && argument.name === 'undefined') return
      add('ReturnValue', argument, 'undefined as never')
    },
  }).visit(program)
  return mutants.toSorted((one, other) => one.start - other.start || one.end - other.end)
}

const lineAt = (text: string, index: number): number => text.slice(0, index).split('\n').length

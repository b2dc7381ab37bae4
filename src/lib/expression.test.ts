import { expect, test } from 'vitest'
import { parseExpression, type Expression, type FieldType } from './expression.ts'

const types = new Map<string, FieldType>([
  ['s', 'string'],
  ['i', 'int'],
  ['a', 'ip'],
])

const parse = (text: string): Expression =>
  parseExpression(text, (name) => {
    const type = types.get(name)
    return type && { name, type }
  })

function complaint(text: string): string {
  try {
    parse(text)
    return ''
  } catch (error) {
    return (error as Error).message
  }
}

/** With parentheses around everything. */
function outline(expression: Expression): string {
  switch (expression.kind) {
    case 'predicate': {
      const { field, lower, any, operator, literal } = expression
      const functions = [lower && 'lower', any && 'any'].filter((name) => name !== false)
      return [...functions, field, operator, JSON.stringify(Object.values(literal)[1])].join(' ')
    }
    case 'not':
      return `!(${outline(expression.inner)})`
    case 'and':
    case 'or':
      return `(${expression.parts.map(outline).join(` ${expression.kind} `)})`
  }
}

test.each([
  ['s == "a" && s != "b" || s ~ "c"', '(s == "a" and (s != "b" or s ~ "c"))'],
  ['i>1||i<2&&i<=3||i>=4', '((i > 1 or i < 2) and (i <= 3 or i >= 4))'],
  ['!(s == "a" && s == "b") && s == "c"', '(!((s == "a" and s == "b")) and s == "c")'],
  ['lower(any ( s )) contains "a"', 'lower any s contains "a"'],
  [
    String.raw`s ^= "a\"\\\n\r\t" || s =^ r#"\d"\"#`,
    String.raw`(s ^= "a\"\\\n\r\t" or s =^ "\\d\"\\")`,
  ],
  ['s == "two\nlines" && s == r#""#', String.raw`(s == "two\nlines" and s == "")`],
  ['i == 017 && i == 0x1F && i == -08 && i == 0', '(i == 15 and i == 31 and i == -8 and i == 0)'],
  ['a in 10.0.0.0/8 || a not in fd00::/8', '(a in "10.0.0.0/8" or a not in "fd00::/8")'],
  ['a == ::1 || a != 10.0.0.1', '(a == "::1" or a != "10.0.0.1")'],
])('reads %s as Kong does', (text, expected) => expect(outline(parse(text))).toBe(expected))

test.each([
  ['', "line 1, column 1: expected a field, a function or '('"],
  ['s == "a"\n&& ! s == "b"', "line 2, column 6: expected '(' after '!'"],
  ['s == "é" && t == "a"', "line 1, column 13: unknown field 't'"],
  ['s == "a" & i == 1', "line 1, column 10: expected '&&', '||' or the end"],
  ['(s == "a"', "line 1, column 10: expected '&&', '||' or ')'"],
  ['s = "a"', 'line 1, column 3: expected one of ==, !=, ~, ^=, =^'],
  ['s == a', 'line 1, column 6: expected a string, an IP address, a CIDR block or an integer'],
  ['s == "a', 'line 1, column 6: missing " at the end of the string'],
  ['s == r#"a"', 'line 1, column 6: missing "# after r#"'],
  [String.raw`s == "\d"`, String.raw`line 1, column 7: only \", \\, \n, \r and \t can be escaped`],
  ['s ~ "a(?!b)"', 'line 1, column 5: the regular expression at character 5'],
  ['upper(s) == "a"', "unknown function 'upper'"],
  ['lower(i) == 1', "'lower' does not apply to 'i', which is of type integer"],
  ['i == "1"', "'i ==' takes a literal of type integer, and not of type string"],
  ['s > "a"', "'>' does not apply to 's', which is of type string"],
  ['s in "a"', "'in' does not apply to 's', which is of type string"],
  ['a == 10.0.0.0/8', "'a ==' takes a literal of type IP address, and not of type CIDR block"],
  ['a in 10.0.0.1', "'a in' takes a literal of type CIDR block, and not of type IP address"],
  ['a in 10.0.0.1/8', "'10.0.0.1/8' has bits after its first 8 that are not zero"],
  ['a in fd00::/129', "invalid CIDR block 'fd00::/129'"],
  ['a == 10.0.0.256', "invalid IP address '10.0.0.256'"],
  ['a == 1::2::3', "invalid IP address '1::2::3'"],
  ['i == 9223372036854775808', "'9223372036854775808' has more than 64 bits"],
])('refuses %j: %s', (text, expected) => expect(complaint(text)).toContain(expected))

test.each([
  ['parentheses', `${'('.repeat(8_000)}s == "a"${')'.repeat(8_000)}`, 'more than 100 levels'],
  ['negations', `${'!('.repeat(5_000)}s == "a"${')'.repeat(5_000)}`, 'more than 100 levels'],
  ['functions', `${'lower('.repeat(2_000)}s${')'.repeat(2_000)} == "a"`, 'more than 100 functions'],
  ['length', `s == "${'a'.repeat(16_384)}"`, 'more than 16384 characters'],
  ['one regular expression', 's ~ "((a{40}){40}){40}"', 'the regular expression has more than'],
  [
    'many regular expressions',
    Array.from({ length: 50 }, () => 's ~ "(a{10}){10}x"').join(' || '),
    'the regular expressions have more than 4000 instructions',
  ],
])('bounds what an expression costs: %s', (_, text, expected) =>
  expect(complaint(text)).toContain(expected),
)

test('the longest possible chain of operators does not overflow the stack', () => {
  const text = Array.from({ length: 1_200 }, () => 's == "a"').join(' && ')
  expect(outline(parse(text))).toHaveLength(text.length + 2 + 1_199)
})

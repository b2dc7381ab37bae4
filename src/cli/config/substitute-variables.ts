import { Problem } from '../../lib/problem.ts'

export type Variables = Readonly<Record<string, string>>

/** Replaces variables as decK does: `${{ env "DECK_X" }}`, optionally piped to toInt, toFloat, toBool or indent. Comment lines stay unchanged. */
export function substituteVariables(
  text: string,
  variables: Variables,
  file: string,
): { readonly text: string; readonly used: readonly string[] } {
  const used: string[] = []
  const lines = text.split('\n').map((line, index) => {
    if (/^\s*#/.test(line)) return line
    return line.replaceAll(/\$\{\{([^}]*)\}\}/g, (_, expression: string) => {
      const value = evaluate(expression.trim(), variables, `${file}:${index + 1}`)
      used.push(value)
      return value
    })
  })
  return { text: lines.join('\n'), used: used.filter((value) => value !== '') }
}

function evaluate(expression: string, variables: Variables, where: string): string {
  const [source = '', ...filters] = expression.split('|').map((part) => part.trim())
  const name = /^env\s+"([^"]+)"$/.exec(source)?.[1]
  if (name === undefined) throw invalidVariable(where, `expected env "DECK_NAME", got ${source}`)
  if (!name.startsWith('DECK_')) throw invalidVariable(where, `${name} must begin with DECK_`)
  const value = variables[name]
  if (value === undefined)
    throw invalidVariable(where, `the environment variable ${name} is not set`)
  return filters.reduce((text, filter) => apply(filter, text, where), value)
}

function apply(filter: string, text: string, where: string): string {
  const [name = '', width = ''] = filter.split(/\s+/)
  if (name === 'indent' && /^\d+$/.test(width)) {
    return text.split('\n').join(`\n${' '.repeat(Number(width))}`)
  }
  const pattern = patterns[name]
  if (pattern === undefined) throw invalidVariable(where, `unknown function ${name}`)
  if (!pattern.test(text)) throw invalidVariable(where, `${name} cannot parse the value`)
  return text
}

const patterns: Readonly<Record<string, RegExp>> = {
  toInt: /^-?\d+$/,
  toFloat: /^-?\d+(\.\d+)?([eE][+-]?\d+)?$/,
  toBool: /^(true|false)$/,
}

const invalidVariable = (where: string, sentence: string): Problem =>
  new Problem('cli.variable', 400, `${where}: ${sentence}`)

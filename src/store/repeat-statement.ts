import { isDeepStrictEqual } from 'node:util'
import { CompiledQuery, type Compilable, type QueryResult } from 'kysely'
import type { Database } from './database.ts'

/**
 * Executes a statement that every change repeats. It is built and compiled once per shape, which costs more than running
 * it. `parameters` are those of the built statement, in its order.
 */
export function repeatStatement<Row>(
  database: Database,
  shape: string,
  parameters: readonly unknown[],
  build: () => Compilable<Row>,
): Promise<QueryResult<Row>> {
  const { adapter } = database.getExecutor()
  const texts = textsOf.get(adapter) ?? new Map<string, string>()
  textsOf.set(adapter, texts)
  const text = texts.get(shape) ?? compile(shape, parameters, build())
  texts.set(shape, text)
  return database.executeQuery<Row>(CompiledQuery.raw(text, [...parameters]))
}

/** SQL by shape, of each open database. */
const textsOf = new WeakMap<object, Map<string, string>>()

function compile(
  shape: string,
  parameters: readonly unknown[],
  statement: Compilable<unknown>,
): string {
  const compiled = statement.compile()
  if (!isDeepStrictEqual(compiled.parameters, parameters))
    throw new TypeError(`the parameters of '${shape}' are not those of its statement`)
  return compiled.sql
}

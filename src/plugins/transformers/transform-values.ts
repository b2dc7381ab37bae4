import type { Template } from './compile-template.ts'

type Pair<Source> = readonly [name: string, value: Source]

/** Steps for the values of one part of a message, in this order. A value is rendered from its source. */
export type Steps<Source = Template> = {
  readonly remove: readonly string[]
  readonly rename: readonly (readonly [old: string, name: string])[]
  readonly replace: readonly Pair<Source>[]
  readonly add: readonly Pair<Source>[]
  readonly append: readonly Pair<Source>[]
  readonly isEmpty: boolean
}

/** Values by name, one or several. */
export type Values<Value, Rendered = string> = {
  has(name: string): boolean
  set(name: string, value: Rendered): void
  append(name: string, value: Rendered): void
  delete(name: string): void
  take(name: string): Value | undefined
  put(name: string, value: Value): void
}

/** Applies the steps. */
export function transformValues<Value, Source, Rendered>(
  values: Values<Value, Rendered>,
  { remove, rename, replace, add, append }: Steps<Source>,
  render: (source: Source) => Rendered,
): void {
  for (const name of remove) values.delete(name)
  for (const [old, name] of rename) {
    if (old === name) continue
    const value = values.take(old)
    if (value !== undefined) values.put(name, value)
  }
  for (const [name, value] of replace) if (values.has(name)) values.set(name, render(value))
  for (const [name, value] of add) if (!values.has(name)) values.set(name, render(value))
  for (const [name, value] of append) values.append(name, render(value))
}

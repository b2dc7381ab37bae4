import { compileTemplate, type Template } from './compile-template.ts'
import { splitPair, type Settings } from './settings.ts'

export type Part = 'body' | 'headers' | 'querystring'

type Pair = readonly [name: string, value: Template]

/** What is done with the values of one part of a request, in this order. */
export type Steps = {
  readonly remove: readonly string[]
  readonly rename: readonly (readonly [old: string, name: string])[]
  readonly replace: readonly Pair[]
  readonly add: readonly Pair[]
  readonly append: readonly Pair[]
  readonly isEmpty: boolean
}

export function compileSteps(settings: Settings, part: Part): Steps {
  const pairs = (list: readonly string[]): Pair[] =>
    list.map((text) => {
      const [name, value] = splitPair(text)
      return [name, compileTemplate(value)]
    })
  const { remove, rename, replace, add, append } = settings
  const lists = [remove, rename, replace, add, append].map((one) => one[part])
  return {
    remove: remove[part],
    rename: rename[part].map(splitPair),
    replace: pairs(replace[part]),
    add: pairs(add[part]),
    append: pairs(append[part]),
    isEmpty: lists.every((list) => list.length === 0),
  }
}

/** Values by name, one or several. */
export type Values<Value> = {
  has(name: string): boolean
  set(name: string, value: string): void
  append(name: string, value: string): void
  delete(name: string): void
  take(name: string): Value | undefined
  put(name: string, value: Value): void
}

/** Applies the steps. `render` gives the text of a value. */
export function transformValues<Value>(
  values: Values<Value>,
  { remove, rename, replace, add, append }: Steps,
  render: (template: Template) => string,
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

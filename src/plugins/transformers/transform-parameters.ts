import { transformValues, type Steps } from './transform-values.ts'
import type { Template } from './compile-template.ts'

/** Transforms a query string or a URL-encoded form. */
export function transformParameters(
  text: string,
  steps: Steps,
  render: (template: Template) => string,
): string {
  const parameters = new URLSearchParams(text)
  transformValues<readonly string[], Template, string>(
    {
      has: (name) => parameters.has(name),
      set: (name, value) => parameters.set(name, value),
      append: (name, value) => parameters.append(name, value),
      delete: (name) => parameters.delete(name),
      take(name) {
        const values = parameters.getAll(name)
        parameters.delete(name)
        return values.length === 0 ? undefined : values
      },
      put(name, values) {
        parameters.delete(name)
        for (const value of values) parameters.append(name, value)
      },
    },
    steps,
    render,
  )
  return parameters.toString()
}

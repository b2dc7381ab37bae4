import type { RouteProgram } from '../program.ts'

/** The route of a stream. The walk also gets, and records, a failure to find it. Undefined where there is no route. */
export function toRouteFinder(
  find: () => RouteProgram | undefined,
): (() => RouteProgram) | undefined {
  try {
    const route = find()
    return route && (() => route)
  } catch (error) {
    return () => {
      throw error
    }
  }
}

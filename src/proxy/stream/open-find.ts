import type { RouteProgram } from '../program.ts'

/** The route that was found, for the walk to take; a fault in finding it is for the walk too, which records it. Undefined where there is no route. */
export function openFind(find: () => RouteProgram | undefined): (() => RouteProgram) | undefined {
  try {
    const route = find()
    return route && (() => route)
  } catch (error) {
    return () => {
      throw error
    }
  }
}

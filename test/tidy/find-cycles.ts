import type { SourceFile } from './read-source.ts'

/** Import cycles: the strongly connected components (Tarjan, 1972) of more than one file, or of one that imports itself. */
export function findCycles(files: readonly Pick<SourceFile, 'path' | 'imports'>[]): string[][] {
  const importsOf = new Map(files.map((file) => [file.path, file.imports]))
  const order = new Map<string, number>()
  const lowest = new Map<string, number>()
  const stack: string[] = []
  const cycles: string[][] = []

  const visit = (path: string): number => {
    const mine = order.size
    order.set(path, mine)
    lowest.set(path, mine)
    stack.push(path)
    for (const next of importsOf.get(path) ?? []) {
      if (!importsOf.has(next)) continue
      const reached = order.has(next) ? openOrder(next) : visit(next)
      lowest.set(path, Math.min(lowest.get(path) ?? mine, reached))
    }
    const low = lowest.get(path) ?? mine
    if (low === mine) close(path)
    return low
  }
  const openOrder = (path: string): number =>
    stack.includes(path) ? (order.get(path) ?? 0) : Number.POSITIVE_INFINITY
  const close = (path: string): void => {
    const group = stack.splice(stack.indexOf(path))
    if (group.length > 1 || importsOf.get(path)?.includes(path) === true) cycles.push(group)
  }

  for (const { path } of files) if (!order.has(path)) visit(path)
  return cycles
}

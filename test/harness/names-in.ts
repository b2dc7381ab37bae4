import type { Names } from '../../src/access/build-rights.ts'
import type { Named } from '../../src/access/rights.ts'

type List<Item> = { values(): Iterable<Item> }

type Item = { readonly id: string; readonly workspace: string; readonly name: string | null }

/** Lists with what rules refer to by name, such as a snapshot. */
export type NameLists = {
  readonly workspaces: List<{ readonly id: string; readonly name: string }>
  readonly services: List<Item>
  readonly callers?: List<Item>
  readonly routes: List<Item & { readonly service?: { readonly id: string } | null }>
}

/** The names in some lists. */
export function namesIn({ workspaces, services, routes, callers }: NameLists): Names {
  const all: readonly Named[] = [
    ...[...services.values()].map(({ id, workspace, name }): Named => {
      return { kind: 'services', workspace, id, name, service: undefined }
    }),
    ...[...routes.values()].map(({ id, workspace, name, service }): Named => {
      return { kind: 'routes', workspace, id, name, service: service?.id }
    }),
  ]
  const named = [...(callers?.values() ?? [])].map(({ id, workspace, name }): Named => {
    return { kind: 'consumers', workspace, id, name, service: undefined }
  })
  return {
    workspaces: [...workspaces.values()],
    named: {
      withName: (kind, name) =>
        [...all, ...named].filter((one) => one.kind === kind && one.name === name),
      all: () => all,
      isOfAnotherKind(kind, id) {
        const places = [...workspaces.values()].map((one) => ({ id: one.id, kind: 'workspaces' }))
        const holders = [...all, ...named, ...places].filter((one) => one.id === id)
        return holders.length > 0 && holders.every((one) => one.kind !== kind)
      },
    },
  }
}

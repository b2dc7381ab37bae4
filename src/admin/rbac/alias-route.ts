import type { AdminRoute, Located } from '../admin-route.ts'

/** A route at which something is reachable by another name, for example `/groups` for `/rbac/groups`: what is forbidden at its own path is forbidden here too. */
export function aliasRoute(route: AdminRoute, [alias, own]: readonly [string, string]): AdminRoute {
  return {
    ...route,
    locate(locating): Located {
      const located = route.locate(locating)
      const { ask, aliases = [], alsoRequired = [] } = located.check
      const asks = [ask, ...alsoRequired]
        .filter(({ path }) => path === alias || path.startsWith(`${alias}/`))
        .map((one) => ({ ...one, path: `${own}${one.path.slice(alias.length)}` }))
      return { ...located, check: { ...located.check, aliases: [...aliases, ...asks] } }
    },
  }
}

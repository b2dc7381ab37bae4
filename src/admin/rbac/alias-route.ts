import type { AdminRoute, Located } from '../admin-route.ts'

/** An alternative path of a route, for example `/groups` for `/rbac/groups`. A rule that denies the original path also denies the alias. */
export function aliasRoute(route: AdminRoute, [alias, own]: readonly [string, string]): AdminRoute {
  return {
    ...route,
    locate(context): Located {
      const located = route.locate(context)
      const { ask, aliases = [], alsoRequired = [] } = located.check
      const asks = [ask, ...alsoRequired]
        .filter(({ path }) => path === alias || path.startsWith(`${alias}/`))
        .map((one) => ({ ...one, path: `${own}${one.path.slice(alias.length)}` }))
      return { ...located, check: { ...located.check, aliases: [...aliases, ...asks] } }
    },
  }
}

import type { CooperativeTask } from '../../lib/cooperative-task.ts'
import { claimOwner, type Claims, type ClaimsChange } from './change-claims.ts'
import { claimsAt, competing } from './claim-index.ts'
import { routeCollision, type ChangeAuthor } from './refusals.ts'
import { isOfStreams } from '../../entities/route-expression.ts'
import { claimsOf, type Claim, type RouteItem } from './route-claims.ts'
import { streamsMeet } from './streams-meet.ts'
import { checkPathPattern, type RouteValidation } from '../route-validation.ts'

export type RouteCheck = {
  readonly before: Claims
  readonly after: Claims
  readonly changed: ClaimsChange['changed']
  readonly validation: RouteValidation
  readonly author: ChangeAuthor
}

/** Throws a 409 for the first route with a new claim that the strategy, or an owner, does not allow. */
export function* checkRoutes(check: RouteCheck): CooperativeTask<void> {
  const { before, after, changed, validation } = check
  const { strategy, pathPattern } = validation
  for (const { before: was, after: is } of changed) {
    yield
    if (is === undefined) continue
    if (strategy === 'path' && pathPattern !== undefined && !hasPathsOf(is, was)) {
      const { name = '' } = after.snapshot.workspaces.get(is.workspace) ?? {}
      checkPathPattern(is, name, pathPattern)
    }
    const known = new Set(was && claimsOf(was).map((claim) => identify(check, was, before, claim)))
    for (const claim of claimsOf(is)) {
      yield
      if (claim.traffic === 'name' || known.has(identify(check, is, after, claim))) continue
      checkClaim(check, is, claim)
    }
  }
}

const hasPathsOf = (route: RouteItem, other: RouteItem | undefined): boolean =>
  other !== undefined &&
  route.workspace === other.workspace &&
  isSame([route.paths, route.expression], [other.paths, other.expression])

const isSame = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b)

/** Everything that the check of a claim depends on, besides other claims. */
function identify(
  { validation: { strategy } }: RouteCheck,
  route: RouteItem,
  { ownership }: Claims,
  claim: Claim,
): string {
  const { workspace, traffic, host, path } = claim
  const { protocols, sources, destinations, methods, hosts, paths, expression } = route
  return JSON.stringify([
    [workspace, traffic, host, path, claimOwner(ownership, claim)],
    traffic === 'stream' ? [protocols, sources, destinations, expression] : [],
    strategy === 'static' ? [methods, hosts, paths, expression] : [],
  ])
}

function checkClaim(
  { after, validation, author }: RouteCheck,
  route: RouteItem,
  claim: Claim,
): void {
  const owner = claimOwner(after.ownership, claim)
  if (owner !== undefined && owner !== route.workspace) {
    throw routeCollision(route, claim, undefined, {
      author,
      because: 'is owned by another workspace, as assigned by a super-admin',
    })
  }
  const { strategy } = validation
  if (strategy === 'off' || strategy === 'path') return
  const isOwned = owner === route.workspace && claim.traffic === 'http'
  const other =
    strategy === 'static' && claim.traffic === 'http'
      ? findEqual(after, route, claim)
      : isOwned
        ? undefined
        : findCompeting(after, route, claim)
  if (other === undefined) return
  throw routeCollision(route, claim, other, {
    author,
    because:
      strategy === 'static'
        ? "can match the requests of an existing route (route_validation_strategy 'static')"
        : "can match requests of a route of another workspace (route_validation_strategy 'smart'); a super-admin can assign hosts and paths to a workspace",
  })
}

/** A route of another workspace that can match a request of the claim. */
function findCompeting(
  { index, snapshot }: Claims,
  route: RouteItem,
  claim: Claim,
): RouteItem | undefined {
  for (const other of competing(index, claim)) {
    const found = snapshot.routes.get(other.route)
    if (found !== undefined && (!isOfStreams(route) || streamsMeet(route, found))) return found
  }
  return undefined
}

/** Another route, of any workspace, that shares a host, a path and a method with this one. */
function findEqual(
  { index, snapshot }: Claims,
  route: RouteItem,
  { host, path }: Claim,
): RouteItem | undefined {
  for (const place of path === '' || path === '/' ? ['', '/'] : [path]) {
    for (const other of claimsAt(index, host, place)) {
      const found = snapshot.routes.get(other.route)
      if (found !== undefined && found.id !== route.id && sharesConditions(route, found))
        return found
    }
  }
  return undefined
}

/** Without paths a route is for `/`, and without methods for all. Of expressions only hosts and paths are compared, as claims. */
const sharesConditions = (a: RouteItem, b: RouteItem): boolean =>
  [a, b].some(({ expression }) => typeof expression === 'string') ||
  (shares(filled(a.paths, '/'), filled(b.paths, '/')) &&
    shares(filled(a.hosts, '').map(lowerCase), filled(b.hosts, '').map(lowerCase)) &&
    (isEmpty(a.methods) || isEmpty(b.methods) || shares(a.methods, b.methods)))

const isEmpty = (list: readonly string[] | null): list is null => list === null || list.length === 0

const filled = (list: readonly string[] | null, fallback: string): readonly string[] =>
  isEmpty(list) ? [fallback] : list

const lowerCase = (text: string): string => text.toLowerCase()

const shares = (some: readonly string[], others: readonly string[]): boolean =>
  some.some((one) => others.includes(one))

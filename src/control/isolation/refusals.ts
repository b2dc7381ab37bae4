import { Problem } from '../../lib/problem.ts'
import type { Grant } from './change-claims.ts'
import type { Claim, RouteItem } from './route-claims.ts'

export type ChangeAuthor = {
  isSuperAdmin(this: void): boolean
  mayRead(this: void, route: RouteItem): boolean
}

/** A route collides with another, which is named only to those who may read it. The message is Kong's. */
export function routeCollision(
  route: RouteItem,
  { shown: { field, value, part } }: Claim,
  other: RouteItem | undefined,
  { author, because }: { readonly author: ChangeAuthor; readonly because: string },
): Problem {
  const { id, name, hosts, paths } = route
  const subject = part === undefined ? `'${value}'` : `'${value}' (${part})`
  const existing =
    other !== undefined && author.mayRead(other)
      ? { existing_route: { id: other.id, name: other.name, ws_id: other.workspace } }
      : {}
  return new Problem('control.route_collision', 409, 'API route collides with an existing API', {
    detail: {
      fields: { [field]: `${subject} ${because}` },
      because: `Route ${name === null ? id : `'${name}'`}: ${field} ${subject} ${because}.`,
      collision: { request: { id, name, hosts, paths }, ...existing },
    },
  })
}

/** Only a super-admin decides what a workspace owns. */
export const ownershipForbidden = (): Problem =>
  new Problem(
    'control.owned_forbidden',
    403,
    'Only a super-admin can change what a workspace owns',
    {
      detail: {
        because: "'owned_hosts' and 'owned_paths' take hosts and paths from other workspaces.",
      },
    },
  )

export function ownershipConflict({ host, path }: Grant): Problem {
  const field = host === '' ? 'owned_paths' : 'owned_hosts'
  const message = `'${host || path}' belongs to another workspace`
  return new Problem('control.owned', 409, message, { detail: { fields: { [field]: message } } })
}

export const nameCollision = (name: string): Problem =>
  new Problem(
    'control.name_collision',
    409,
    `The server name '${name}' collides with another workspace`,
    {
      detail: {
        fields: { name: `'${name}' matches a name that another workspace owns or serves` },
        because:
          'A certificate is presented to all callers of a name, whatever workspace they call.',
      },
    },
  )

import type { FastifyRequest } from 'fastify'
import type { Configuration } from '../../control/configuration.ts'
import { entities, type Entity, type EntityName } from '../../entities/entities.ts'
import { defaultWorkspace } from '../../entities/default-workspace.ts'
import { uuidPattern } from '../../entities/fields.ts'
import { redactPath, redactQuery } from '../../lib/redact-query.ts'

/** Entities that paths address by a secret, such as API keys. */
const secretKeyed = (entities as readonly Entity[]).filter(
  ({ key, secret }) => key !== undefined && secret.includes(key),
)

const secretLists: ReadonlySet<string> = new Set(
  secretKeyed.flatMap(({ plural, nestedAs }) => [plural, nestedAs ?? plural]),
)

/** Whether a segment addresses an entity by a secret: not by its id. */
export const isSecretSegment = ({ key, secret }: Entity, at: string): boolean =>
  key !== undefined && secret.includes(key) && at !== '' && !uuidPattern.test(at)

/**
 * A path for logs and the audit log. Replaces segments that address an entity by its secret, keys that exist in the
 * workspace wherever they stand, and the token of the request.
 */
export function redactAdminPath(
  path: string,
  { headers }: Pick<FastifyRequest, 'headers'>,
  configuration?: Pick<Configuration, 'find'>,
  /** Id of the workspace. Default: that of the first segment, else the default one. */
  given?: string,
): string {
  const token = headers['kong-admin-token']
  const segments = path.split('/')
  const first = { entity: 'workspace', workspace: null, at: decoded(segments[1] ?? '') } as const
  const workspace = given ?? configuration?.find(first)?.id ?? defaultWorkspace.id
  const isSecret = (segment: string, before: string): boolean => {
    if (segment === '' || uuidPattern.test(segment)) return false
    if (secretLists.has(before)) return true
    return (
      segment === token ||
      secretKeyed.some(
        ({ name }) =>
          configuration?.find({ entity: name as EntityName, workspace, at: segment }) !== undefined,
      )
    )
  }
  const shown = segments.map((segment, at) =>
    isSecret(decoded(segment), decoded(segments[at - 1] ?? '')) ? 'REDACTED' : segment,
  )
  return redactPath(shown.join('/'))
}

/** The URL of a request for a log. */
export function redactAdminUrl({ url, headers }: Pick<FastifyRequest, 'url' | 'headers'>): string {
  const [path = '', ...query] = url.split('?')
  const shown = redactAdminPath(path, { headers })
  return query.length === 0 ? shown : `${shown}?${redactQuery(query.join('?'))}`
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    // Not percent-encoded: the segment as it stands.
    return segment
  }
}

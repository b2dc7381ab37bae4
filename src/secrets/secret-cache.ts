import { Problem, toProblem } from '../lib/problem.ts'
import type { Clock } from '../lib/clock.ts'
import { cacheLifetimeOf, readVault, type VaultTools } from './read-vault.ts'
import type { SecretResult, VaultReference } from './replace-references.ts'

/** Secrets read from vaults, in memory only, with the lifetimes of their vaults. */
export type SecretCache = {
  /** Reads missing and expired secrets, and drops all that are not wanted. */
  refresh(wanted: readonly VaultReference[]): Promise<void>
  /** A cached secret. */
  get(one: VaultReference): SecretResult
  /** Milliseconds since the epoch at which the first of them expires. */
  dueAt(wanted: readonly VaultReference[]): number
}

type CachedSecret = { readonly contents: string; readonly readAt: number }
type Failure = { readonly reason: string; readonly readAt: number }

export function openSecretCache(tools: VaultTools, clock: Clock): SecretCache {
  const cached = new Map<string, CachedSecret>()
  const failed = new Map<string, Failure>()

  const dueAtOf = (one: VaultReference): number => {
    const lifetime = cacheLifetimeOf(one)
    const failure = failed.get(cacheKey(one))
    if (failure !== undefined) return failure.readAt + lifetime.missing
    const readAt = cached.get(cacheKey(one))?.readAt
    if (readAt === undefined) return 0
    return lifetime.found === undefined ? Number.POSITIVE_INFINITY : readAt + lifetime.found
  }
  const read = async (one: VaultReference): Promise<void> => {
    const key = cacheKey(one)
    const now = clock.now()
    try {
      cached.set(key, { contents: await readVault(one, tools), readAt: now })
      failed.delete(key)
    } catch (error) {
      failed.set(key, { reason: toProblem(error).message, readAt: now })
      if (error instanceof Problem && error.status === 404) cached.delete(key)
    }
  }
  return {
    async refresh(wanted) {
      const byKey = new Map(wanted.map((one) => [cacheKey(one), one]))
      for (const known of [cached, failed])
        for (const key of known.keys()) if (!byKey.has(key)) known.delete(key)
      const due = [...byKey.values()].filter((one) => dueAtOf(one) <= clock.now())
      await Promise.all(due.map(read))
    },
    get(one) {
      const known = cached.get(cacheKey(one))
      if (known === undefined || isExpired(one, known, clock.now())) {
        return { reason: failed.get(cacheKey(one))?.reason ?? `${one.text}: it was not read yet` }
      }
      return pick(one, known.contents)
    },
    dueAt: (wanted) => Math.min(...wanted.map(dueAtOf)),
  }
}

/** References to different members of a secret share its cache entry. */
const cacheKey = ({ definition, workspace, secret }: VaultReference): string =>
  JSON.stringify([workspace, definition?.name, definition?.config, secret])

/** Whether a secret is too old even while its vault is unreachable. */
function isExpired(one: VaultReference, { readAt }: CachedSecret, now: number): boolean {
  const { found, resurrected } = cacheLifetimeOf(one)
  return found !== undefined && resurrected !== undefined && now > readAt + found + resurrected
}

/** The secret, or one member of it. */
function pick({ key, text }: VaultReference, contents: string): SecretResult {
  if (key === undefined) return { secret: contents }
  const value = memberOf(contents, key)
  if (value === undefined) return { reason: `${text}: the secret has no '${key}'` }
  return { secret: typeof value === 'string' ? value : JSON.stringify(value) }
}

function memberOf(contents: string, key: string): unknown {
  try {
    const parsed = JSON.parse(contents) as Record<string, unknown> | null
    return typeof parsed === 'object' && parsed !== null && Object.hasOwn(parsed, key)
      ? parsed[key]
      : undefined
  } catch {
    // Not JSON; the caller says that the secret has no such member. The error would quote the secret.
    return undefined
  }
}

import { Problem, toProblem } from '../lib/problem.ts'
import type { Clock } from '../lib/clock.ts'
import type { VaultReference } from './collect-references.ts'
import { cacheLifetimeOf, readVault, type VaultTools } from './read-vault.ts'
import type { SecretResult } from './replace-references.ts'

/** Secrets read from vaults, in memory only, with the lifetimes of their vaults. */
export type SecretCache = {
  /** Reads secrets that are missing or expired. */
  add(wanted: readonly VaultReference[]): Promise<void>
  /** Also refreshes all other secrets in use, and drops the rest. */
  refresh(wanted: readonly VaultReference[]): Promise<void>
  drop(secretId: string): void
  /** A cached secret. */
  get(this: void, one: VaultReference): SecretResult
  /** Milliseconds since the epoch; until then `refresh` has nothing to do. */
  readonly dueAt: number
  /** Increases whenever a secret that was cached, or was missing, is another one. */
  readonly changes: number
}

type CachedSecret = { readonly contents: string; readonly readAt: number; isExpired: boolean }
type Failure = { readonly reason: string; readonly readAt: number }

export function openSecretCache(tools: VaultTools, clock: Clock): SecretCache {
  const cached = new Map<string, CachedSecret>()
  const failed = new Map<string, Failure>()
  let dueAt = Number.POSITIVE_INFINITY
  let changes = 0

  const dueAtOf = (one: VaultReference): number => {
    const lifetime = cacheLifetimeOf(one)
    const failure = failed.get(one.secretId)
    if (failure !== undefined) return failure.readAt + lifetime.missing
    const readAt = cached.get(one.secretId)?.readAt
    if (readAt === undefined) return 0
    return lifetime.found === undefined ? Number.POSITIVE_INFINITY : readAt + lifetime.found
  }
  const read = async (one: VaultReference): Promise<void> => {
    const { secretId: id } = one
    const now = clock.now()
    const before = outcomeOf(id)
    try {
      const contents = await readVault(one, tools)
      cached.set(id, { contents, readAt: now, isExpired: false })
      failed.delete(id)
    } catch (error) {
      failed.set(id, { reason: toProblem(error).message, readAt: now })
      if (error instanceof Problem && error.status === 404) cached.delete(id)
    }
    if (before !== undefined && before !== outcomeOf(id)) changes += 1
  }
  /** The replacement for references to a secret, or the reason for its failure; undefined if it was not read. */
  const outcomeOf = (id: string): string | undefined => {
    const known = cached.get(id)
    if (known !== undefined && !known.isExpired) return `secret ${known.contents}`
    const failure = failed.get(id)
    return failure && `failure ${failure.reason}`
  }
  /** Notes when one of these is due, or expires. */
  const schedule = (wanted: Iterable<VaultReference>): void => {
    for (const one of wanted) {
      dueAt = Math.min(dueAt, dueAtOf(one))
      const known = cached.get(one.secretId)
      if (known === undefined || known.isExpired) continue
      if (isExpired(one, known, clock.now())) {
        known.isExpired = true
        changes += 1
      } else dueAt = Math.min(dueAt, expiryOf(one, known) + 1)
    }
  }
  const add = async (wanted: readonly VaultReference[]): Promise<void> => {
    const due = wanted.filter((one) => dueAtOf(one) <= clock.now())
    await Promise.all(due.map(read))
    schedule(wanted)
  }
  return {
    add,
    async refresh(wanted) {
      const ids = new Set(wanted.map(({ secretId }) => secretId))
      for (const known of [cached, failed])
        for (const id of known.keys()) if (!ids.has(id)) known.delete(id)
      dueAt = Number.POSITIVE_INFINITY
      await add(wanted)
    },
    drop(id) {
      cached.delete(id)
      failed.delete(id)
    },
    get(one) {
      const known = cached.get(one.secretId)
      if (known === undefined || isExpired(one, known, clock.now())) {
        return {
          reason: failed.get(one.secretId)?.reason ?? `${one.text}: it has not been read yet`,
        }
      }
      return pick(one, known.contents)
    },
    get dueAt() {
      return dueAt
    },
    get changes() {
      return changes
    },
  }
}

/** When a secret is too old even while its vault is unreachable. */
function expiryOf(one: VaultReference, { readAt }: CachedSecret): number {
  const { found, resurrected } = cacheLifetimeOf(one)
  if (found === undefined || resurrected === undefined) return Number.POSITIVE_INFINITY
  return readAt + found + resurrected
}

const isExpired = (one: VaultReference, secret: CachedSecret, now: number): boolean =>
  now > expiryOf(one, secret)

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
    // Not JSON; the caller reports that the secret has no such member. The error would quote the secret.
    return undefined
  }
}

import { Problem, toProblem } from '../lib/problem.ts'
import type { Clock } from '../lib/clock.ts'
import { lastingOf, readVault, type VaultTools } from './read-vault.ts'
import type { SecretResult, VaultReference } from './replace-references.ts'

/** What vaults have answered, in memory only, and for as long as each of them says. */
export type SecretCache = {
  /** Reads what is not known or too old, each secret once. */
  refresh(wanted: readonly VaultReference[]): Promise<void>
  /** What is known. */
  have(one: VaultReference): SecretResult
  /** When the next of them is too old, in milliseconds since the epoch. */
  dueAt(wanted: readonly VaultReference[]): number
}

type Kept = { readonly contents: string; readonly readAt: number }
type Failure = { readonly reason: string; readonly readAt: number }

/** Begins with nothing known. */
export function openSecretCache(tools: VaultTools, clock: Clock): SecretCache {
  const kept = new Map<string, Kept>()
  const failed = new Map<string, Failure>()

  const dueAtOf = (one: VaultReference): number => {
    const lasting = lastingOf(one)
    const failure = failed.get(placeOf(one))
    if (failure !== undefined) return failure.readAt + lasting.missing
    const readAt = kept.get(placeOf(one))?.readAt
    if (readAt === undefined) return 0
    return lasting.found === undefined ? Number.POSITIVE_INFINITY : readAt + lasting.found
  }
  const read = async (one: VaultReference): Promise<void> => {
    const place = placeOf(one)
    const now = clock.now()
    try {
      kept.set(place, { contents: await readVault(one, tools), readAt: now })
      failed.delete(place)
    } catch (error) {
      failed.set(place, { reason: toProblem(error).message, readAt: now })
      if (error instanceof Problem && error.status === 404) kept.delete(place)
    }
  }
  return {
    async refresh(wanted) {
      const places = new Map(wanted.map((one) => [placeOf(one), one]))
      for (const known of [kept, failed])
        for (const place of known.keys()) if (!places.has(place)) known.delete(place)
      const due = [...places.values()].filter((one) => dueAtOf(one) <= clock.now())
      await Promise.all(due.map(read))
    },
    have(one) {
      const known = kept.get(placeOf(one))
      if (known === undefined || isOver(one, known, clock.now())) {
        return { reason: failed.get(placeOf(one))?.reason ?? `${one.text}: it was not read yet` }
      }
      return pick(one, known.contents)
    },
    dueAt: (wanted) => Math.min(...wanted.map(dueAtOf)),
  }
}

/** A secret has its own place, whichever of its keys is wanted. */
const placeOf = ({ held, workspace, secret }: VaultReference): string =>
  JSON.stringify([workspace, held?.name, held?.config, secret])

/** Whether what was read is too old even for a time in which the vault cannot be reached. */
function isOver(one: VaultReference, { readAt }: Kept, now: number): boolean {
  const { found, resurrected } = lastingOf(one)
  return found !== undefined && resurrected !== undefined && now > readAt + found + resurrected
}

/** The secret itself, or the member of it that is wanted. */
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

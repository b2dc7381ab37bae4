import type { Rights } from '../access/rights.ts'
import type { Visibility } from '../schema/answer.ts'
import type { Analytics } from './open-analytics.ts'

/** The latest recorded requests with credentials, as far as a principal may see requests and their callers. */
export type LastUses = {
  /** Id of a credential → ISO 8601 time. */
  readonly times: ReadonlyMap<string, string>
  readonly visibility: Visibility
}

/** The values of a filter that a query may have. */
const maxIds = 1_000

export async function findLastUses(
  { answer }: Pick<Analytics, 'answer'>,
  rights: Rights,
  ids: readonly string[],
): Promise<LastUses> {
  const times = new Map<string, string>()
  let visibility: Visibility | undefined
  for (let at = 0; at === 0 || at < ids.length; at += maxIds) {
    const { data, visibility: seen } = await answer(rights, lastSeen(ids.slice(at, at + maxIds)))
    visibility = seen
    for (const row of data)
      times.set(String(row['requests.credential']), String(row['requests.last_seen']))
  }
  return { times, visibility: visibility as Visibility }
}

const lastSeen = (ids: readonly string[]) => ({
  dimensions: ['requests.credential'],
  measures: ['requests.last_seen'],
  filters: [{ member: 'requests.credential', operator: 'equals', values: ids }],
  limit: maxIds,
})

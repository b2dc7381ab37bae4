import { createHash } from 'node:crypto'
import type { Clock } from '../../lib/clock.ts'
import type { Snapshot } from '../../schema/snapshot.ts'
import type { Caller, KnownConsumer } from '../exchange.ts'
import type { GroupsOf } from './choose-plugins.ts'

/** The consumers and API keys of a workspace. */
export type Directory = {
  readonly findKey: (key: string) => Caller | undefined
  readonly findConsumer: (idOrName: string) => KnownConsumer | undefined
}

/** By workspace id. */
export function openDirectories(snapshot: Snapshot, clock: Clock): ReadonlyMap<string, Directory> {
  const consumers = new Map<string, KnownConsumer>()
  const byName = new Map<string, KnownConsumer>()
  for (const {
    id,
    username,
    custom_id,
    groups,
    consumer_groups,
    workspace,
  } of snapshot.consumers.values()) {
    const name = username ?? custom_id ?? id
    const consumer = { id, name, customId: custom_id, groups, consumerGroups: consumer_groups }
    consumers.set(id, consumer)
    byName.set(`${workspace} ${id}`, consumer)
    if (username !== null) byName.set(`${workspace} ${username}`, consumer)
  }
  const keys = new Map(
    [...snapshot.keys.values()].flatMap((key) => {
      const consumer = consumers.get(key.consumer)
      if (consumer === undefined) return []
      const caller: Caller = { kind: 'consumer', method: 'key-auth', credential: key.id, consumer }
      return [[`${key.workspace} ${key.sha256}`, { caller, expiresAt: key.expires_at }] as const]
    }),
  )
  return new Map(
    [...snapshot.workspaces.keys()].map((workspace) => [
      workspace,
      {
        findKey: rememberKeys((hash) => keys.get(`${workspace} ${hash}`), clock),
        findConsumer: (idOrName: string) => byName.get(`${workspace} ${idOrName}`),
      },
    ]),
  )
}

type KnownKey = { readonly caller: Caller; readonly expiresAt: number | null }

/** Caches keys that were found, so that each is hashed once per program. Unknown keys are not cached: guesses must not fill the memory. */
function rememberKeys(
  find: (sha256: string) => KnownKey | undefined,
  clock: Clock,
): (secret: string) => Caller | undefined {
  const remembered = new Map<string, KnownKey>()
  return (secret) => {
    let known = remembered.get(secret)
    if (known === undefined) {
      known = find(createHash('sha256').update(secret).digest('hex'))
      if (known === undefined) return undefined
      remembered.set(secret, known)
    }
    const { caller, expiresAt } = known
    return expiresAt !== null && expiresAt * 1000 <= clock.now() ? undefined : caller
  }
}

/** Consumers with the same groups share one list, by whose identity choices are cached. */
export function openGroups({ consumers }: Snapshot): GroupsOf {
  const none: readonly string[] = []
  const lists = new Map<string, readonly string[]>()
  const ofConsumer = new Map(
    [...consumers.values()].flatMap(({ id, consumer_groups: groups }) => {
      if (groups.length === 0) return []
      const text = groups.join('\n')
      const shared = lists.get(text) ?? groups
      lists.set(text, shared)
      return [[id, shared] as const]
    }),
  )
  return (consumer) => ofConsumer.get(consumer) ?? none
}

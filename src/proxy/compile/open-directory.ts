import { createHash } from 'node:crypto'
import type { Clock } from '../../lib/clock.ts'
import type { CooperativeTask } from '../../lib/cooperative-task.ts'
import {
  changeGroups,
  changeInGroup,
  groupOf,
  type GroupChanges,
  type RadixGroups,
} from '../../lib/radix-groups.ts'
import { RadixMap } from '../../lib/radix-map.ts'
import type { Snapshot, SnapshotItem } from '../../schema/snapshot.ts'
import {
  certificateName,
  type ConsumerCaller,
  type CredentialList,
  type Directory,
  type KnownConsumer,
} from '../directory.ts'
import { openKeyHashes, type KeyHashes } from './key-hashes.ts'

type SnapshotConsumer = SnapshotItem<'consumers'>
type SnapshotGroup = SnapshotItem<'consumer_groups'>
type SnapshotKey = SnapshotItem<'keys'>

/** The consumers and credentials of a snapshot. */
export type DirectoryTables = {
  /** By workspace and id. */
  readonly consumers: RadixGroups<KnownConsumer>
  /** By workspace and username. */
  readonly byName: RadixGroups<KnownConsumer>
  /** By workspace and custom id. */
  readonly byCustomId: RadixGroups<KnownConsumer>
  /** By workspace and hash. */
  readonly keys: RadixGroups<SnapshotKey>
  /** By workspace and username or key. */
  readonly credentials: CredentialTables
  /** By workspace and name. */
  readonly consumerGroups: RadixGroups<SnapshotGroup>
  /** The lists of consumer groups that consumers have, by their text, and of how many consumers. */
  readonly groupLists: RadixMap<GroupList>
  /** By id. */
  readonly authorities: Snapshot['ca_certificates']
  readonly hashes: KeyHashes
  readonly directory: Directory
}

type GroupList = { readonly names: readonly string[]; readonly consumers: number }

type CredentialTables = {
  readonly [List in CredentialList]: RadixGroups<SnapshotItem<List>>
}

const emptyCredentials: CredentialTables = {
  basic_auths: RadixMap.empty(),
  jwts: RadixMap.empty(),
  hmac_auths: RadixMap.empty(),
  mtls_auths: RadixMap.empty(),
}

export function emptyDirectory(clock: Clock): DirectoryTables {
  const tables = {
    consumers: RadixMap.empty<RadixMap<KnownConsumer>>(),
    byName: RadixMap.empty<RadixMap<KnownConsumer>>(),
    byCustomId: RadixMap.empty<RadixMap<KnownConsumer>>(),
    keys: RadixMap.empty<RadixMap<SnapshotKey>>(),
    credentials: emptyCredentials,
    consumerGroups: RadixMap.empty<RadixMap<SnapshotGroup>>(),
    groupLists: RadixMap.empty<GroupList>(),
    authorities: RadixMap.empty<SnapshotItem<'ca_certificates'>>(),
    hashes: openKeyHashes(),
  }
  return { ...tables, directory: openDirectory(tables, clock) }
}

/** The directory is the same object while no consumer, consumer group, credential or CA certificate changed. */
export function* changeDirectory(
  tables: DirectoryTables,
  before: Snapshot,
  after: Snapshot,
  clock: Clock,
): CooperativeTask<DirectoryTables> {
  const consumerTables = yield* changeConsumers(tables, before, after)
  const keys = yield* changeKeys(tables.keys, before, after)
  const { credentials: known } = tables
  const credentials: CredentialTables = {
    basic_auths: yield* changeNamed(known.basic_auths, before.basic_auths, after.basic_auths),
    jwts: yield* changeNamed(known.jwts, before.jwts, after.jwts),
    hmac_auths: yield* changeNamed(known.hmac_auths, before.hmac_auths, after.hmac_auths),
    mtls_auths: yield* changeNamed(known.mtls_auths, before.mtls_auths, after.mtls_auths),
  }
  const consumerGroups = yield* changeNamed(
    tables.consumerGroups,
    before.consumer_groups,
    after.consumer_groups,
  )
  const isSame =
    consumerGroups === tables.consumerGroups &&
    credentialLists.every((list) => credentials[list] === known[list]) &&
    isSameList(before.ca_certificates, after.ca_certificates)
  if (consumerTables === tables && keys === tables.keys && isSame) return tables
  const next = {
    ...consumerTables,
    keys,
    credentials,
    consumerGroups,
    authorities: after.ca_certificates,
  }
  return { ...next, directory: openDirectory(next, clock) }
}

function isSameList(before: RadixMap<object>, after: RadixMap<object>): boolean {
  for (const _ of before.differencesTo(after)) return false
  return true
}

function* changeConsumers(
  tables: DirectoryTables,
  before: Snapshot,
  after: Snapshot,
): CooperativeTask<DirectoryTables> {
  let { groupLists } = tables
  const consumers: GroupChanges<KnownConsumer> = new Map()
  const byName: GroupChanges<KnownConsumer> = new Map()
  const byCustomId: GroupChanges<KnownConsumer> = new Map()
  const added: SnapshotConsumer[] = []
  // A name may pass from one consumer to another: all are removed before any is added.
  for (const { before: old, after: fresh } of before.consumers.differencesTo(after.consumers)) {
    yield
    if (fresh !== undefined) added.push(fresh)
    if (old === undefined) continue
    const { id, workspace, username, custom_id: customId, consumer_groups: groups } = old
    changeInGroup(consumers, workspace, id, undefined)
    if (username !== null) changeInGroup(byName, workspace, username, undefined)
    if (customId !== null) changeInGroup(byCustomId, workspace, customId, undefined)
    groupLists = countList(groupLists, groups, -1)
  }
  for (const item of added) {
    yield
    const { id, workspace, username, custom_id: customId } = item
    groupLists = countList(groupLists, item.consumer_groups, 1)
    const shared = groupLists.get(textOf(item.consumer_groups))?.names ?? item.consumer_groups
    const consumer = describeConsumer(item, shared)
    changeInGroup(consumers, workspace, id, consumer)
    if (username !== null) changeInGroup(byName, workspace, username, consumer)
    if (customId !== null) changeInGroup(byCustomId, workspace, customId, consumer)
  }
  if (consumers.size === 0) return tables
  return {
    ...tables,
    groupLists,
    consumers: yield* changeGroups(tables.consumers, consumers),
    byName: yield* changeGroups(tables.byName, byName),
    byCustomId: yield* changeGroups(tables.byCustomId, byCustomId),
  }
}

const describeConsumer = (
  { id, username, custom_id: customId, groups }: SnapshotConsumer,
  consumerGroups: readonly string[],
): KnownConsumer => ({
  id,
  name: username ?? customId ?? id,
  username,
  customId,
  groups,
  consumerGroups,
})

const textOf = (groups: readonly string[]): string => groups.join('\n')

/** Consumers with the same groups share one list, by whose identity choices are cached. */
function countList(
  lists: RadixMap<GroupList>,
  groups: readonly string[],
  change: 1 | -1,
): RadixMap<GroupList> {
  const text = textOf(groups)
  const known = lists.get(text) ?? { names: groups, consumers: 0 }
  const consumers = known.consumers + change
  return consumers === 0 ? lists.without(text) : lists.with(text, { names: known.names, consumers })
}

function* changeKeys(
  keys: RadixGroups<SnapshotKey>,
  before: Snapshot,
  after: Snapshot,
): CooperativeTask<RadixGroups<SnapshotKey>> {
  const changes: GroupChanges<SnapshotKey> = new Map()
  const added: SnapshotKey[] = []
  for (const { before: old, after: fresh } of before.keys.differencesTo(after.keys)) {
    yield
    if (fresh !== undefined) added.push(fresh)
    if (old !== undefined) changeInGroup(changes, old.workspace, old.sha256, undefined)
  }
  for (const key of added) {
    yield
    changeInGroup(changes, key.workspace, key.sha256, key)
  }
  return yield* changeGroups(keys, changes)
}

const credentialLists = [
  'basic_auths',
  'jwts',
  'hmac_auths',
  'mtls_auths',
] as const satisfies CredentialList[]

type Named = { readonly workspace: string } & (
  | { readonly username: string }
  | { readonly key: string }
  | { readonly name: string }
  | { readonly subject_name: string; readonly ca_certificate: string | null }
)

function nameOf(item: Named): string {
  if ('subject_name' in item) return certificateName(item.subject_name, item.ca_certificate)
  if ('name' in item) return item.name
  return 'key' in item ? item.key : item.username
}

/** A name may pass from one credential to another: all are removed before any is added. */
function* changeNamed<Item extends Named>(
  known: RadixGroups<Item>,
  before: RadixMap<Item>,
  after: RadixMap<Item>,
): CooperativeTask<RadixGroups<Item>> {
  const changes: GroupChanges<Item> = new Map()
  const added: Item[] = []
  for (const { before: old, after: fresh } of before.differencesTo(after)) {
    yield
    if (fresh !== undefined) added.push(fresh)
    if (old !== undefined) changeInGroup(changes, old.workspace, nameOf(old), undefined)
  }
  for (const item of added) {
    yield
    changeInGroup(changes, item.workspace, nameOf(item), item)
  }
  return changes.size === 0 ? known : yield* changeGroups(known, changes)
}

type Tables = Omit<DirectoryTables, 'directory'>
type KnownKey = { readonly caller: ConsumerCaller; readonly expiresAt: number | null }

const isExpired = ({ expires_at: at }: { readonly expires_at?: number }, clock: Clock): boolean =>
  at !== undefined && at * 1000 <= clock.now()

/** Remembers the keys that it found. Unknown keys are not remembered: guesses must not fill the cache. */
function openDirectory(tables: Tables, clock: Clock): Directory {
  const { consumers, byName, byCustomId, keys, credentials, authorities, hashes } = tables
  const tableOf = { id: consumers, username: byName, custom_id: byCustomId }
  const remembered = new Map<string, Map<string, KnownKey>>()
  const lookUp = (workspace: string, secret: string): KnownKey | undefined => {
    const hash = hashes.get(secret) ?? createHash('sha256').update(secret).digest('hex')
    const key = groupOf(keys, workspace).get(hash)
    const consumer = key && groupOf(consumers, workspace).get(key.consumer)
    if (key === undefined || consumer === undefined) return undefined
    hashes.remember(secret, hash)
    const caller: ConsumerCaller = {
      kind: 'consumer',
      method: 'key-auth',
      credential: key.id,
      consumer,
    }
    return { caller, expiresAt: key.expires_at }
  }
  return {
    findKey(workspace, secret) {
      let ofWorkspace = remembered.get(workspace)
      let known = ofWorkspace?.get(secret)
      if (known === undefined) {
        known = lookUp(workspace, secret)
        if (known === undefined) return undefined
        if (ofWorkspace === undefined) remembered.set(workspace, (ofWorkspace = new Map()))
        ofWorkspace.set(secret, known)
      }
      const { caller, expiresAt } = known
      return expiresAt !== null && expiresAt * 1000 <= clock.now() ? undefined : caller
    },
    findCredential(list, workspace, name) {
      const lists: CredentialTables = credentials
      const found = groupOf<SnapshotItem<typeof list>>(lists[list], workspace).get(name)
      const credential = found && isExpired(found, clock) ? undefined : found
      const consumer = credential && groupOf(consumers, workspace).get(credential.consumer)
      return credential === undefined || consumer === undefined
        ? undefined
        : { credential, consumer }
    },
    findConsumer: (workspace, idOrName) =>
      groupOf(consumers, workspace).get(idOrName) ?? groupOf(byName, workspace).get(idOrName),
    findConsumerBy: (workspace, field, value) => groupOf(tableOf[field], workspace).get(value),
    hasConsumerGroup: (workspace, name) =>
      groupOf(tables.consumerGroups, workspace).get(name) !== undefined,
    findAuthority: (id) => authorities.get(id),
  }
}

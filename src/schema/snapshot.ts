import type { Fields } from '../entities/entities.ts'
import type { Stored } from '../entities/entry.ts'
import { RadixMap } from '../lib/radix-map.ts'

/** `workspace` is the id of the workspace. */
type Placed<E> = Omit<E, 'created_at' | 'updated_at' | 'tags'> & { readonly workspace: string }

/** Load balancing and health check settings of an upstream. */
export type UpstreamSettings = Omit<Fields<'upstream'>, 'tags' | 'client_certificate'>

export type Healthchecks = UpstreamSettings['healthchecks']

type Credential = {
  readonly id: string
  readonly workspace: string
  /** Id of the consumer. */
  readonly consumer: string
  /** Seconds since the epoch; absent for one that never expires. */
  readonly expires_at?: number
}

type Rotated = {
  /** The password, secret or public key before, and until when it is valid, in seconds since the epoch. */
  readonly previous?: { readonly secret: string; readonly expires_at: number }
}

type Items = {
  /** `owned_hosts` and `owned_paths` are absent when empty. */
  workspaces: {
    readonly id: string
    readonly name: string
    readonly owned_hosts?: readonly string[]
    readonly owned_paths?: readonly string[]
    /** Absent where requests are refused. */
    readonly on_spool_full?: 'shed'
  }
  services: Placed<Stored<'service'>>
  routes: Placed<Stored<'route'>> & { readonly created_at: number }
  /** `groups` are from acl memberships, `consumer_groups` are names of consumer groups; both sorted. */
  consumers: Placed<Stored<'consumer'>> & {
    readonly groups: readonly string[]
    readonly consumer_groups: readonly string[]
  }
  consumer_groups: Placed<Stored<'consumer-group'>>
  /** API keys; nodes receive only their hashes. */
  keys: {
    readonly id: string
    readonly workspace: string
    readonly consumer: string
    readonly sha256: string
    readonly expires_at: number | null
  }
  /** Passwords are stored hashes. */
  basic_auths: Credential & Rotated & { readonly username: string; readonly password: string }
  /** With shared secrets, which nodes need to verify tokens. */
  jwts: Credential &
    Rotated & {
      readonly key: string
      readonly algorithm: string
      readonly secret: string | null
      readonly rsa_public_key: string | null
    }
  /** With shared secrets, which nodes need to verify signatures. */
  hmac_auths: Credential & Rotated & { readonly username: string; readonly secret: string }
  /** Names in client certificates; `ca_certificate` is the id of the CA that must have issued them. */
  mtls_auths: Credential & {
    readonly subject_name: string
    readonly ca_certificate: string | null
  }
  /** Targets are in order of id. */
  upstreams: Placed<Stored<'upstream'>> & {
    readonly targets: readonly Pick<Stored<'target'>, 'id' | 'target' | 'weight' | 'failover'>[]
  }
  /** With the settings of their partials. */
  plugins: Omit<Placed<Stored<'plugin'>>, 'partials'>
  /** With private keys, which nodes need to terminate TLS. */
  certificates: Placed<Stored<'certificate'>>
  snis: Placed<Stored<'sni'>>
  ca_certificates: Pick<Stored<'ca-certificate'>, 'id' | 'cert'>
  /** The vaults that plugins and certificates reference. */
  vaults: {
    readonly id: string
    readonly workspace: string
    readonly prefix: string
    readonly name: string
    readonly config: Readonly<Record<string, unknown>>
  }
}

export const listNames = [
  'workspaces',
  'services',
  'routes',
  'consumers',
  'consumer_groups',
  'keys',
  'upstreams',
  'plugins',
  'certificates',
  'snis',
  'ca_certificates',
  'vaults',
  'basic_auths',
  'jwts',
  'hmac_auths',
  'mtls_auths',
] as const satisfies readonly (keyof Items)[]

/** The name of a list in a snapshot. */
export type ListName = keyof Items

/** An item of one of the lists of a snapshot. */
export type SnapshotItem<List extends ListName> = Items[List]

/** A revision of the configuration for nodes, with references resolved: lists of items by id. */
export type Snapshot = { readonly [List in ListName]: RadixMap<Items[List]> }

/** A snapshot as JSON. */
export type SnapshotLists = { readonly [List in ListName]: readonly Items[List][] }

/** A snapshot of these items; lists that are missing are empty. */
export function snapshotOf(lists: Partial<SnapshotLists>): Snapshot {
  const maps = listNames.map((list) => {
    const items: readonly { readonly id: string }[] = lists[list] ?? []
    return [list, RadixMap.from(items.map((item) => [item.id, item] as const))] as const
  })
  return Object.fromEntries(maps) as unknown as Snapshot
}

/** A snapshot without items. */
export const emptySnapshot: Snapshot = snapshotOf({})

/** The items of a snapshot in order of id. */
export function listsOf(snapshot: Snapshot): SnapshotLists {
  const lists = listNames.map((list) => [list, [...snapshot[list].values()]] as const)
  return Object.fromEntries(lists) as unknown as SnapshotLists
}

/** The number of a revision and the digest of its snapshot, with an Ed25519 signature over both. */
export type Seal = {
  readonly revision: number
  /** SHA-256 over all items, base64; equal snapshots have equal roots. */
  readonly root: string
  /** base64 */
  readonly signature: string
}

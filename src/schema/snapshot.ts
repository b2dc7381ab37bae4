import type { Fields } from '../entities/entities.ts'
import type { Stored } from '../entities/entry.ts'

/** `workspace` is the id of the workspace. */
type Placed<E> = Omit<E, 'created_at' | 'updated_at' | 'tags'> & { readonly workspace: string }

/** Load balancing and health check settings of an upstream. */
export type UpstreamSettings = Omit<Fields<'upstream'>, 'tags' | 'client_certificate'>

export type Healthchecks = UpstreamSettings['healthchecks']

/** An API key; nodes receive only its hash. */
export type SnapshotKey = {
  readonly id: string
  readonly workspace: string
  readonly consumer: string
  readonly sha256: string
  readonly expires_at: number | null
}

/** A revision of the configuration for nodes, with references resolved. Lists are in order of id, so that equal configurations give equal bytes. */
export type Snapshot = {
  readonly format: 1
  readonly workspaces: readonly { readonly id: string; readonly name: string }[]
  readonly services: readonly Placed<Stored<'service'>>[]
  readonly routes: readonly (Placed<Stored<'route'>> & { readonly created_at: number })[]
  /** `groups` are from acl memberships, `consumer_groups` are names of consumer groups; both sorted. */
  readonly consumers: readonly (Placed<Stored<'consumer'>> & {
    readonly groups: readonly string[]
    readonly consumer_groups: readonly string[]
  })[]
  readonly consumer_groups: readonly Placed<Stored<'consumer-group'>>[]
  readonly keys: readonly SnapshotKey[]
  readonly upstreams: readonly (Placed<Stored<'upstream'>> & {
    readonly targets: readonly Pick<Stored<'target'>, 'id' | 'target' | 'weight' | 'failover'>[]
  })[]
  readonly plugins: readonly Placed<Stored<'plugin'>>[]
  /** With private keys, which nodes need to terminate TLS. */
  readonly certificates: readonly Placed<Stored<'certificate'>>[]
  readonly snis: readonly Placed<Stored<'sni'>>[]
  readonly ca_certificates: readonly Pick<Stored<'ca-certificate'>, 'id' | 'cert'>[]
  /** The vaults that plugins and certificates reference. */
  readonly vaults: readonly {
    readonly id: string
    readonly workspace: string
    readonly prefix: string
    readonly name: string
    readonly config: Readonly<Record<string, unknown>>
  }[]
}

/** A snapshot in transit and at rest, with an Ed25519 signature over `revision`, a line feed and `body`. */
export type SealedSnapshot = {
  readonly revision: number
  /** JSON text of a Snapshot. */
  readonly body: string
  /** base64 */
  readonly signature: string
}

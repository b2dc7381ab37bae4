import type { Fields } from '../entities/entities.ts'
import type { Stored } from '../entities/entry.ts'

/** What an entity of a snapshot has beside its fields: the id of its workspace. */
type Placed<E> = Omit<E, 'created_at' | 'updated_at' | 'tags'> & { readonly workspace: string }

/** What an upstream says about how a target is picked and watched. */
export type UpstreamSettings = Omit<Fields<'upstream'>, 'tags' | 'client_certificate'>

/** How the targets of an upstream are watched. */
export type Healthchecks = UpstreamSettings['healthchecks']

/** An API key as nodes know it. */
export type SnapshotKey = {
  readonly id: string
  readonly workspace: string
  readonly consumer: string
  readonly sha256: string
  readonly expires_at: number | null
}

/** A revision of the configuration with every reference resolved; plain data, every list in order of id, so that the same configuration is the same bytes. */
export type Snapshot = {
  readonly format: 1
  readonly workspaces: readonly { readonly id: string; readonly name: string }[]
  readonly services: readonly Placed<Stored<'service'>>[]
  readonly routes: readonly (Placed<Stored<'route'>> & { readonly created_at: number })[]
  /** `groups` are those of the acl memberships, `consumer_groups` the names of its consumer groups, both in order. */
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
  /** With their private keys: whoever ends TLS must have them. */
  readonly certificates: readonly Placed<Stored<'certificate'>>[]
  readonly snis: readonly Placed<Stored<'sni'>>[]
  readonly ca_certificates: readonly Pick<Stored<'ca-certificate'>, 'id' | 'cert'>[]
  /** Where nodes find the secrets to which plugins and certificates refer. */
  readonly vaults: readonly {
    readonly id: string
    readonly workspace: string
    readonly prefix: string
    readonly name: string
    readonly config: Readonly<Record<string, unknown>>
  }[]
}

/** A snapshot as it travels and rests: its JSON text, its revision, and an Ed25519 signature over `revision`, a line feed and `body`. */
export type SealedSnapshot = {
  readonly revision: number
  /** JSON text of a Snapshot. */
  readonly body: string
  /** base64 */
  readonly signature: string
}

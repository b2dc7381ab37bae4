import type { CaCertificate } from './ca-certificate.ts'
import type { Certificate } from './certificate.ts'
import type { ConsumerGroup } from './consumer-group.ts'
import type { Consumer } from './consumer.ts'
import type { Plugin } from './plugin.ts'
import type { Route } from './route.ts'
import type { Service } from './service.ts'
import type { Sni } from './sni.ts'
import type { Target } from './target.ts'
import type { Upstream } from './upstream.ts'

/** What an entity of a snapshot has beside its fields: the id of its workspace. */
type Placed<E> = Omit<E, 'created_at' | 'updated_at' | 'tags'> & { readonly workspace: string }

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
  readonly services: readonly Placed<Service>[]
  readonly routes: readonly (Placed<Route> & { readonly created_at: number })[]
  /** `groups` are those of the acl memberships, `consumer_groups` the names of its consumer groups, both in order. */
  readonly consumers: readonly (Placed<Consumer> & {
    readonly groups: readonly string[]
    readonly consumer_groups: readonly string[]
  })[]
  readonly consumer_groups: readonly Placed<ConsumerGroup>[]
  readonly keys: readonly SnapshotKey[]
  readonly upstreams: readonly (Placed<Upstream> & {
    readonly targets: readonly Pick<Target, 'id' | 'target' | 'weight' | 'failover'>[]
  })[]
  readonly plugins: readonly Placed<Plugin>[]
  /** With their private keys: whoever ends TLS must have them. */
  readonly certificates: readonly Placed<Certificate>[]
  readonly snis: readonly Placed<Sni>[]
  readonly ca_certificates: readonly Pick<CaCertificate, 'id' | 'cert'>[]
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

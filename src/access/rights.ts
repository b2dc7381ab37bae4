import type { Stored } from '../entities/entry.ts'
import type { Action } from '../entities/action.ts'

export type Principal = { readonly id: string; readonly name: string; readonly kind: string }

/** A role that a principal holds, its workspace and its permissions. */
export type HeldRole = {
  readonly role: Pick<Stored<'role'>, 'id' | 'name'>
  readonly workspace: { readonly id: string; readonly name: string }
  /** The group that grants the role; absent when it was assigned directly. */
  readonly group?: string
  readonly endpoints: readonly Stored<'endpoint-permission'>[]
  readonly entities: readonly Stored<'entity-permission'>[]
}

/** The input of buildRights. */
export type RightsSource = {
  readonly principal: Principal
  readonly held: readonly HeldRole[]
  /** Revision of the configuration this was read from. */
  readonly revision: number
}

/** A request to the Admin API. `path` starts after the workspace prefix, for example `/services/orders`. */
export type AccessRequest = {
  readonly workspace: { readonly id: string; readonly name: string }
  readonly path: string
  readonly action: Action
  /** The entity that the path refers to; `name` is its current key. */
  readonly entity?: { readonly type: string; readonly id: string; readonly name: string | null }
}

/** The sentence names the deciding rule and its role. */
export type Decision = { readonly allowed: boolean; readonly because: string }

/** The permission that a rule was built from. */
export type RuleSource = {
  readonly role: string
  readonly workspace: string
  readonly group?: string
  /** The endpoint, or the entities of an entity permission. */
  readonly about: string
  /** Plural of the entity type of an entity permission. */
  readonly kind?: string
}

/** An endpoint permission with its names resolved. Without `segments` it applies to every path (`*`). */
export type EndpointRule = {
  /** The workspace of the permission, or undefined for `*`. `id` is undefined when no such workspace exists. */
  readonly written: { readonly id: string | undefined; readonly name: string } | undefined
  /** The workspace that its role is confined to, or undefined for a role of the default workspace. */
  readonly confined: string | undefined
  readonly segments: readonly string[] | undefined
  readonly actions: readonly Action[]
  readonly negative: boolean
  /** Readable text: which role allows or forbids what, and where. */
  readonly words: string
  readonly source: RuleSource
}

/** An entity permission with its names resolved. */
export type EntityRule = {
  /** The id of an entity, the id of a workspace (everything in it), or `*`. */
  readonly entity: string
  /** For `*`: the plural of the only entity type that it covers, or undefined for all types. */
  readonly kind: string | undefined
  readonly confined: string | undefined
  readonly actions: readonly Action[]
  readonly negative: boolean
  readonly words: string
  readonly source: RuleSource
}

/** An entity that rules can refer to by name. */
export type Named = {
  readonly kind: 'services' | 'routes' | 'consumers'
  readonly workspace: string
  readonly id: string
  readonly name: string | null
  /** Id of the service a route belongs to. */
  readonly service: string | undefined
}

/** The entities that rules can refer to by name. */
export type NamedEntities = {
  /** Those of a kind with a name, in all workspaces. */
  withName(kind: string, name: string): readonly Named[]
  /** The services and routes. */
  all(): readonly Named[]
  /** Whether an id is that of an existing entity, and of none of this kind. */
  isOfAnotherKind(kind: string, id: string): boolean
}

export type Rights = {
  readonly principal: Principal
  readonly revision: number
  readonly endpoints: readonly EndpointRule[]
  readonly entities: readonly EntityRule[]
  readonly workspaces: readonly { readonly id: string; readonly name: string }[]
  readonly named: NamedEntities
}

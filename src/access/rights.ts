import type { Stored } from '../entities/entry.ts'
import type { Action } from '../entities/action.ts'

/** Who asks, as far as rights are concerned. */
export type Asker = { readonly id: string; readonly name: string; readonly kind: string }

/** A role a principal has, with the workspace it lives in and what it says. */
export type HeldRole = {
  readonly role: Pick<Stored<'role'>, 'id' | 'name'>
  readonly workspace: { readonly id: string; readonly name: string }
  /** Name of the group through which the principal has it; absent when it was given to them. */
  readonly group?: string
  readonly endpoints: readonly Stored<'endpoint-permission'>[]
  readonly entities: readonly Stored<'entity-permission'>[]
}

/** Everything from which rights follow. */
export type RightsSource = {
  readonly asker: Asker
  readonly held: readonly HeldRole[]
  /** Revision of the configuration this was read from. */
  readonly revision: number
}

/** What is asked of an Admin API path. `path` starts after the workspace prefix, for example `/services/orders`. */
export type Ask = {
  readonly workspace: { readonly id: string; readonly name: string }
  readonly path: string
  readonly action: Action
  /** The entity the path names, when it names one; `name` is its current key. */
  readonly entity?: { readonly type: string; readonly id: string; readonly name: string | null }
}

/** A verdict with the sentence that says which rule of which role gave it. */
export type Decision = { readonly allowed: boolean; readonly because: string }

/** Which permission of which role a rule is, as it was written. */
export type RuleSource = {
  readonly role: string
  readonly workspace: string
  readonly group?: string
  /** The path, or what the entity permission is about. */
  readonly about: string
  /** Plural of the kind of entity that an entity permission names. */
  readonly kind?: string
}

/** What one permission says, ready to be asked: an endpoint rule has its path as segments (undefined is `*`, any path). */
export type EndpointRule = {
  /** Where it was written: a workspace, or undefined for every one that its role reaches. */
  readonly written: { readonly id: string | undefined; readonly name: string } | undefined
  /** The one workspace its role is confined to, or undefined for a role of the default workspace. */
  readonly confined: string | undefined
  readonly segments: readonly string[] | undefined
  readonly actions: readonly Action[]
  readonly negative: boolean
  /** The rule in words: which role of which workspace allows or forbids what, and where. */
  readonly words: string
  readonly source: RuleSource
}

/** What one entity permission says. */
export type EntityRule = {
  /** An entity, a workspace (all in it), or `*`. */
  readonly entity: string
  /** Plural of the kind of entity that `*` stands for, or undefined for every kind. */
  readonly kind: string | undefined
  readonly confined: string | undefined
  readonly actions: readonly Action[]
  readonly negative: boolean
  readonly words: string
  readonly source: RuleSource
}

/** What bears a name that a rule may use. */
export type Named = {
  readonly kind: 'services' | 'routes'
  readonly workspace: string
  readonly id: string
  readonly name: string | null
  /** Id of the service a route belongs to. */
  readonly service: string | undefined
}

/** What a principal may do, built by buildRights; decide, rowRule, identityRule and explainVisibility read it. */
export type Rights = {
  readonly asker: Asker
  readonly revision: number
  readonly endpoints: readonly EndpointRule[]
  readonly entities: readonly EntityRule[]
  readonly workspaces: readonly { readonly id: string; readonly name: string }[]
  /** `services/orders` → the services of that name, in all workspaces. */
  readonly named: ReadonlyMap<string, readonly Named[]>
}

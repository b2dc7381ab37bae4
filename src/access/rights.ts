import type { EndpointPermission, EntityPermission, Role, Action } from '../schema/role.ts'

/** Who asks, as far as rights are concerned. */
export type Asker = { readonly id: string; readonly name: string; readonly kind: string }

/** A role a principal has, with the workspace it lives in and what it says. */
export type HeldRole = {
  readonly role: Pick<Role, 'id' | 'name'>
  readonly workspace: { readonly id: string; readonly name: string }
  readonly endpoints: readonly EndpointPermission[]
  readonly entities: readonly EntityPermission[]
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

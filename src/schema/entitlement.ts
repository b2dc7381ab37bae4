import type { Action } from '../entities/action.ts'

/** A permission that applies to a request. */
export type MatchedRule = {
  readonly role: string
  /** Workspace of the role. */
  readonly workspace: string
  /** The group that grants the role; absent for a direct grant. */
  readonly group?: string
  readonly kind: 'endpoint' | 'entity'
  /** The endpoint, or the entity. */
  readonly about: string
  readonly actions: readonly Action[]
  readonly negative: boolean
  /** Kong's level of an endpoint rule, 1 the most specific; entity rules follow. */
  readonly level: number
  /** Whether this rule decided. */
  readonly decides: boolean
  readonly says: string
}

/** A path of a request, with the rules that apply to it. */
export type ExplainedRequest = {
  /** `asked` and `also` must be allowed; a `door` (an alias) must not be denied. */
  readonly as: 'asked' | 'door' | 'also'
  readonly workspace: string
  readonly path: string
  readonly action: Action
  readonly says: 'allow' | 'deny' | 'nothing'
  readonly rules: readonly MatchedRule[]
}

/** Answer of GET /rbac/explain for one request: whether it is allowed, and the deciding rule. */
export type Explanation = {
  readonly principal: { readonly id: string; readonly name: string; readonly kind: string }
  readonly workspace: string
  readonly path: string
  readonly action: Action
  readonly allowed: boolean
  readonly because: string
  readonly asks: readonly ExplainedRequest[]
  /** For changes of routes and certificates, which can be refused although the permission is there. */
  readonly isolation?: IsolationSummary
  readonly revision: number
}

/** Rules that isolate routes of the workspace from those of others. */
export type IsolationSummary = {
  readonly route_validation_strategy: string
  readonly owned_hosts: readonly string[]
  readonly owned_paths: readonly string[]
  readonly because: string
}

/** Whether an action is allowed on all entities of a type, on some, or on none. */
export type Extent = 'all' | 'some' | 'none'

/** The permissions of a principal in a workspace. */
export type EntitlementRow = {
  readonly principal: {
    readonly id: string
    readonly name: string
    readonly kind: string
    readonly enabled: boolean
  }
  readonly roles: readonly {
    readonly name: string
    readonly workspace: string
    readonly group?: string
  }[]
  /** Entity type → action → extent, and the index of the deciding rule in `rules`; -1 without one. */
  readonly may: Readonly<
    Record<string, Readonly<Record<Action, { readonly extent: Extent; readonly rule: number }>>>
  >
}

/** Answer of GET /rbac/explain without a path: the permissions of all principals in a workspace. */
export type Entitlements = {
  readonly workspace: string
  readonly kinds: readonly string[]
  readonly principals: readonly EntitlementRow[]
  readonly rules: readonly string[]
  readonly revision: number
}

/** Answer of POST /rbac/explain-token: the effect of an access token of the identity provider. */
export type ExplainedToken = {
  readonly valid: boolean
  /** Why a token is refused; null for a valid one. */
  readonly because: string | null
  readonly issuer: string | null
  readonly subject: string | null
  /** The verified claims; null when the token is not valid. */
  readonly claims: Readonly<Record<string, unknown>> | null
  /** The principal; null when a sign-in would create it, or be refused. */
  readonly principal: {
    readonly id: string
    readonly name: string
    readonly enabled: boolean
  } | null
  /** Values of the claims for groups, with the roles that each gives. */
  readonly groups: readonly {
    readonly name: string
    readonly roles: readonly { readonly name: string; readonly workspace: string }[]
  }[]
  /** Roles that are granted by hand. */
  readonly granted: readonly { readonly name: string; readonly workspace: string }[]
  /** Sentences about the permissions of these roles. */
  readonly permissions: readonly string[]
  /** A sentence about the rows of traffic that it shows. */
  readonly rows: string
}

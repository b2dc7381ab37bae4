import type { Action } from '../entities/action.ts'

/** One permission that speaks about a question. */
export type RuleTold = {
  readonly role: string
  /** Workspace of the role. */
  readonly workspace: string
  /** The group through which the principal has the role. */
  readonly group?: string
  readonly kind: 'endpoint' | 'entity'
  /** The path, or the entity. */
  readonly about: string
  readonly actions: readonly Action[]
  readonly negative: boolean
  /** For endpoints Kong's level, 1 the most telling; entity rules come after them. */
  readonly level: number
  /** Whether this is the rule that decided. */
  readonly decides: boolean
  readonly says: string
}

/** One path of a question, and what the rules say about it. */
export type AskTold = {
  /** `asked` must be allowed, and so must `also`; a `door` must not be forbidden. */
  readonly as: 'asked' | 'door' | 'also'
  readonly workspace: string
  readonly path: string
  readonly action: Action
  readonly says: 'allow' | 'deny' | 'nothing'
  readonly rules: readonly RuleTold[]
}

/** Answer of GET /rbac/explain about one question: may somebody do something, and by which rule. */
export type Explanation = {
  readonly principal: { readonly id: string; readonly name: string; readonly kind: string }
  readonly workspace: string
  readonly path: string
  readonly action: Action
  readonly allowed: boolean
  readonly because: string
  readonly asks: readonly AskTold[]
  readonly revision: number
}

/** What a principal may do with a kind of thing: with all of it, with none, or with some by name. */
export type Extent = 'all' | 'some' | 'none'

/** What one principal may do in a workspace. */
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
  /** Kind of entity → action → how far, and by which of `rules`; -1 where no rule speaks. */
  readonly may: Readonly<
    Record<string, Readonly<Record<Action, { readonly extent: Extent; readonly rule: number }>>>
  >
}

/** Answer of GET /rbac/explain without a question: everybody who may do anything in a workspace, and what. */
export type Entitlements = {
  readonly workspace: string
  readonly kinds: readonly string[]
  readonly principals: readonly EntitlementRow[]
  readonly rules: readonly string[]
  readonly revision: number
}

import type { IpFamily } from './read-address.ts'

export type FieldType = 'string' | 'int' | 'ip'

export type Operator =
  | '=='
  | '!='
  | '~'
  | '^='
  | '=^'
  | '>'
  | '>='
  | '<'
  | '<='
  | 'in'
  | 'not in'
  | 'contains'

export type Literal =
  | { readonly kind: 'string'; readonly text: string }
  | { readonly kind: 'int'; readonly number: number }
  | { readonly kind: 'ip'; readonly address: string; readonly family: IpFamily }
  | { readonly kind: 'cidr'; readonly block: string; readonly family: IpFamily }

/** A comparison of a field with a literal. */
export type Predicate = {
  readonly kind: 'predicate'
  readonly field: string
  /** Whether the values of the field are compared in lower case. */
  readonly lower: boolean
  /** Whether one of several values suffices; else all must satisfy the predicate. */
  readonly any: boolean
  readonly operator: Operator
  readonly literal: Literal
}

export type Expression =
  | Predicate
  | { readonly kind: 'and' | 'or'; readonly parts: readonly Expression[] }
  | { readonly kind: 'not'; readonly inner: Expression }

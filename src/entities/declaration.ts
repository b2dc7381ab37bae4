import type { z } from 'zod'

/** Declares an entity. API paths, tables, validation, permissions, documents and forms are derived from it. */
export type Declaration = {
  /** Singular noun, for example `service`. */
  readonly name: string
  /** Name in URLs, tables and declarative files, for example `services`. */
  readonly plural: string
  /** One sentence for forms, OpenAPI and the reference. */
  readonly about: string
  /** Schema of a body, with Kong's defaults; without `id`, `created_at` and `updated_at`, which every entity has. */
  readonly fields: z.ZodObject
  /** Rules over several fields; an issue with an empty path becomes Kong's `@entity` violation. */
  readonly check?: z.core.CheckFn<Record<string, unknown>>
  /** Reference field → name of the entity that it refers to. */
  readonly refersTo: Readonly<Record<string, string>>
  /** Field that holds a list of references → name of the entity that they refer to. They prevent the deletion of their targets. */
  readonly refersToMany?: Readonly<Record<string, string>>
  /** The reference to the parent: required, nested paths start with it, and its deletion cascades. */
  readonly belongsTo?: string
  /** Further references whose deletion cascades. Any other reference prevents the deletion of its target. */
  readonly cascades?: readonly string[]
  /** Fields, or groups of fields, that are unique in a workspace. */
  readonly unique: readonly (string | readonly string[])[]
  /** Whether `unique` applies across workspaces. */
  readonly uniqueEverywhere?: boolean
  /** The field that paths accept in place of the id. */
  readonly key?: string
  /** Fields that identify an entity without a key when a document is compared with the stored configuration. */
  readonly naturalKey?: readonly string[]
  /** Fields never logged, audited or stored in clear. */
  readonly secret: readonly string[]
  /** Fields that are encrypted at rest, but answered and audited in clear. */
  readonly sealed?: readonly string[]
  /** Principals who receive its secrets: all who may read it, or only those who may update it. Nobody when absent. */
  readonly reveals?: 'readers' | 'writers'
  /** Fields that default to a random value. */
  readonly generated?: readonly string[]
  /** Secrets may be given as hashes (`skip_hash` in a query, `skip_hash_for_basic_auth` in a document). `saltedBy` is the reference whose id is the salt. */
  readonly acceptsHashes?: { readonly saltedBy: string }
  /** The field that selects the schema of `config`. Default: `name`. */
  readonly configBy?: string
  /** Record fields that PATCH merges instead of replacing. */
  readonly merged?: readonly string[]
  /** Fields that lists can be filtered by in the query string. */
  readonly filters?: readonly string[]
  /** Members of bodies and answers that are not fields: name → JSON Schema. */
  readonly virtual?: Readonly<Record<string, Readonly<Record<string, unknown>>>>
  /** Its name in nested paths, if not the plural. */
  readonly nestedAs?: string
  /** Its name in declarative files, in lists of tags and for schemas, if not the plural. */
  readonly declaredAs?: string
  /** Further names under which clients request its schema. */
  readonly schemaAliases?: readonly string[]
  /** Whether entries belong to a workspace; false for global entities. */
  readonly inWorkspace: boolean
  /** Whether it is a permission of a role, which has no page of its own and is deleted with the workspace. */
  readonly isPermission?: true
  /** Whether it is the workspace itself, so that permissions on an entry are decided in that workspace. */
  readonly isWorkspace?: true
  /** Generic routes that it does not have: at its own path, or nested under its references. */
  readonly withoutRoutes?: readonly ('own' | 'nested')[]
  /** Its form in documents. Default: entities of workspaces are in the part `gateway`. */
  readonly document?: DocumentForm
}

export type DocumentForm = {
  /** The part of a workspace that a document can cover: gateway configuration, or roles. */
  readonly part?: 'gateway' | 'roles'
  /** Name of its lists, if not the declared name. */
  readonly list?: string
  /** References other than `belongsTo` under whose entity it is nested. */
  readonly nestsUnder?: readonly string[]
  /** For a join of two entities: reference → name of the list of the other side's names. Documents are written with the first. */
  readonly joins?: Readonly<Record<string, string>>
  /** Whether the id is written even when there is a name. */
  readonly withId?: true
  /** Whether `_config` may refer to shared settings (`_plugin_configs`) of the document. */
  readonly sharesConfig?: true
}

export type AnyFields = Readonly<Record<string, unknown>>

export type Reference = { id: string }

type Listed<D, L extends string> = D extends { readonly [P in L]: readonly (infer Name)[] }
  ? Name
  : never

type Referring<D> = D extends { readonly refersTo: infer References }
  ? string extends keyof References
    ? never
    : keyof References
  : never

type StoredField<D, F, T> =
  F extends Referring<D>
    ? null extends T
      ? Reference | null
      : Reference
    : F extends Listed<D, 'generated'>
      ? Exclude<T, undefined>
      : undefined extends T
        ? Exclude<T, undefined> | null
        : T

/** The fields of a stored entity: references are `{ id }`, generated fields are present, unset ones null. */
export type StoredFields<D extends Pick<Declaration, 'fields'>> = {
  [F in keyof z.output<D['fields']>]-?: StoredField<D, F, z.output<D['fields']>[F]>
}

/** A stored entity. */
export type EntryOf<Fields> = {
  readonly id: string
  /** Id of its workspace; null for global entities. */
  readonly workspace: string | null
  /** Seconds since the epoch. */
  readonly createdAt: number
  /** Seconds since the epoch. */
  readonly updatedAt: number
  /** Defaults are filled; a reference is `{ id }` or null. */
  readonly fields: Readonly<Fields>
}

export type AnyEntry = EntryOf<AnyFields>

/** The name of an entity in declarative files, in lists of tags and for schemas. */
export const declaredName = ({
  plural,
  declaredAs = plural,
}: Pick<Declaration, 'plural' | 'declaredAs'>): string => declaredAs

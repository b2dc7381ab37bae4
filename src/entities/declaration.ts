import type { z } from 'zod'

/** The declaration of one kind of configuration object: API paths, tables, validation, permissions, documents and forms follow from it. */
export type Declaration = {
  /** Singular noun, for example `service`. */
  readonly name: string
  /** Name in URLs, tables and declarative files, for example `services`. */
  readonly plural: string
  /** One sentence for people. */
  readonly about: string
  /** What a body may hold, with Kong's defaults. Never holds `id`, `created_at`, `updated_at`: every entity has those. */
  readonly fields: z.ZodObject
  /** Rules over several fields; an issue with an empty path becomes Kong's `@entity` violation. */
  readonly check?: z.core.CheckFn<Record<string, unknown>>
  /** Field → entity name: `{ service: 'service' }` means `service` holds `{ "id": … }`. */
  readonly refersTo: Readonly<Record<string, string>>
  /** The reference that must be present, whose deletion deletes this entity, and under whose path it nests. */
  readonly belongsTo?: string
  /** References whose deletion deletes this entity too (a present `belongsTo` always does); every other reference forbids the deletion. */
  readonly cascades?: readonly string[]
  /** Fields, or groups of fields, whose values exist once in a workspace (or once in all, when not in workspaces). */
  readonly unique: readonly (string | readonly string[])[]
  /** True when these values exist once in all workspaces together. */
  readonly uniqueEverywhere?: boolean
  /** The field by which a path may address it instead of the id. */
  readonly key?: string
  /** Fields that tell entities without a key apart when a document is compared with what is stored. */
  readonly naturalKey?: readonly string[]
  /** Fields never logged, audited or stored in clear. */
  readonly secret: readonly string[]
  /** Fields that are stored sealed although they are answered and audited. */
  readonly sealed?: readonly string[]
  /** Who may read its secrets: everybody who may read it, or only those who may change it; nobody when absent. */
  readonly reveals?: 'readers' | 'writers'
  /** Fields that get a random value when none is given. */
  readonly generated?: readonly string[]
  /** Secrets may be given as their stored hash (`skip_hash` in a query, `skip_hash_for_basic_auth` in a document); `saltedBy` is the reference whose id is part of the hash. */
  readonly acceptsHashes?: { readonly saltedBy: string }
  /** Records of which PATCH changes only the members that are given. */
  readonly merged?: readonly string[]
  /** Fields by whose value a list can be filtered in its query string. */
  readonly filters?: readonly string[]
  /** Members of bodies and answers that are not fields: name → JSON Schema. */
  readonly virtual?: Readonly<Record<string, Readonly<Record<string, unknown>>>>
  /** Its name in paths under what it refers to, where that is not the plural. */
  readonly nestedAs?: string
  /** Its name in declarative files, in lists of tags and for schemas, where that is not the plural. */
  readonly declaredAs?: string
  /** More names under which clients ask for its schema. */
  readonly schemaAliases?: readonly string[]
  /** False for what belongs to no workspace. */
  readonly inWorkspace: boolean
  /** Whether permissions on one are decided in the workspace that it is. */
  readonly isWorkspace?: true
  /** Which generic routes it lacks: those at its own path, those under what it refers to. */
  readonly withoutRoutes?: readonly ('own' | 'nested')[]
  /** How documents hold it; by default entities of workspaces are in the part `gateway`. */
  readonly document?: DocumentForm
}

/** How declarative documents hold an entity. */
export type DocumentForm = {
  /** The part of a workspace whose documents hold it: what traffic passes, or the roles of people. */
  readonly part?: 'gateway' | 'roles'
  /** Name of its lists, where that is not the declared name. */
  readonly list?: string
  /** References under whose entity it is written although it does not belong to it. */
  readonly nestsUnder?: readonly string[]
  /** A join of two references, which both sides list by the name of the other: reference → name of the list there. The first is where it is written. */
  readonly joins?: Readonly<Record<string, string>>
  /** Write the id even of one that has a name. */
  readonly withId?: true
  /** Whether `_config` may name shared settings of the document. */
  readonly sharesConfig?: true
}

/** Fields of an entity whose kind is not known. */
export type AnyFields = Readonly<Record<string, unknown>>

/** A reference to another entity, in bodies and in snapshots. */
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

/** The fields of a stored entity: references as `{ id }`, what was generated present, what is unset null. */
export type StoredFields<D extends Pick<Declaration, 'fields'>> = {
  [F in keyof z.output<D['fields']>]-?: StoredField<D, F, z.output<D['fields']>[F]>
}

/** One stored entity: its own fields and what surrounds them. */
export type EntryOf<Fields> = {
  readonly id: string
  /** Id of its workspace; null for what belongs to none. */
  readonly workspace: string | null
  /** Seconds since the epoch. */
  readonly createdAt: number
  /** Seconds since the epoch. */
  readonly updatedAt: number
  /** Its own fields with defaults filled; a reference is `{ id }` or null. */
  readonly fields: Readonly<Fields>
}

/** One stored entity of any kind. */
export type AnyEntry = EntryOf<AnyFields>

/** The name of an entity in declarative files, in lists of tags and for schemas. */
export const declaredName = ({
  plural,
  declaredAs = plural,
}: Pick<Declaration, 'plural' | 'declaredAs'>): string => declaredAs

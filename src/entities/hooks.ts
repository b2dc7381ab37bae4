import type { z } from 'zod'
import type { AnyEntry, AnyFields, Declaration, EntryOf, StoredFields } from './declaration.ts'
import type { Violations } from './violations.ts'
import type { PluginSchema, Shorthands } from './plugin-schema.ts'

/** An unvalidated request body. */
export type Body = Readonly<Record<string, unknown>>

/** An operation on one entity. */
export type OperationOn<Name extends string, Entry> = {
  /**
   * `replace` creates an entity or replaces it entirely. For a list of operations, `remove` deletes an entity without
   * cascading and `restore` writes an entry back unchanged; references are then checked once, after the last
   * operation.
   */
  readonly kind: 'create' | 'replace' | 'update' | 'delete' | 'remove' | 'restore'
  readonly entity: Name
  /** Id of the workspace; null for global entities. */
  readonly workspace: string | null
  /** Id or key; absent for `create`. */
  readonly at?: string
  /** Whether `at` is an id, so that the search by key is skipped. */
  readonly isById?: true
  /** The parent of a nested path: an existing entity must refer to it, and a new one is assigned to it. */
  readonly within?: Within
  readonly body?: Body
  /** Whether secrets in the body are already hashed. */
  readonly isHashed?: boolean
  /** Whether the body is of a document, in which times count from the creation of the entity. */
  readonly isDeclared?: true
  /** The entry of a `restore`. */
  readonly entry?: Entry
}

export type AnyOperation = OperationOn<string, AnyEntry>

export type Within = { readonly field: string; readonly id: string }

export type EntryAddress = {
  /** Ignored for global entities. */
  readonly workspace: string | null
  /** Id or key. */
  readonly at: string
  readonly within?: Within | undefined
}

/** Read access of hooks to a configuration. */
export type Lookup = {
  find<D extends Declaration>(
    entity: D,
    address: EntryAddress,
  ): EntryOf<StoredFields<D>> | undefined
  /** In order of id. */
  list<D extends Declaration>(
    entity: D,
    place: Omit<EntryAddress, 'at'>,
  ): readonly EntryOf<StoredFields<D>>[]
  /** The entries of all entities with this id. */
  withId(id: string): readonly AnyEntry[]
  workspaces(): readonly { readonly id: string; readonly name: string }[]
}

/** Write access of hooks to the configuration that is being changed. */
export type Edit = Lookup & {
  create<D extends Declaration>(
    entity: D,
    entry: Omit<EntryOf<StoredFields<D>>, 'id' | 'updatedAt'>,
  ): EntryOf<StoredFields<D>>
  /** The entries of one entity in all workspaces that have a text in a field. */
  where<D extends Declaration>(
    entity: D,
    field: string,
    value: string,
  ): readonly EntryOf<StoredFields<D>>[]
  /** Removes an entry with cascades; throws while any other entry refers to it. */
  remove(entity: Declaration, entry: AnyEntry): void
  /** Removes an entry without cascades or checks. */
  discard(entity: Declaration, id: string): void
  /** The entities of which a workspace has entries. */
  kindsIn(workspace: string): readonly Declaration[]
}

export type ReadCertificate = {
  /** SHA-256 of the DER encoding, in hex. */
  readonly sha256: string
  /** Milliseconds since the epoch. */
  readonly validTo: number
  readonly isAuthority: boolean
  hasPrivateKey(key: ReadPrivateKey): boolean
}

export type ReadPrivateKey = { readonly type: string | undefined; readonly pem: string }

/** Platform functions that entity modules cannot import, because they also load in a browser. */
export type EntityTools = {
  newId(): string
  /** SHA-256 in hex, for random secrets. */
  hashSecret(secret: string): string
  sha1(text: string): string
  /** scrypt with a salt, for passwords. */
  hashPassword(password: string): Promise<string>
  /** Throws the error of the parser. */
  readCertificate(pem: string): ReadCertificate
  /** Throws the error of the parser. */
  readPrivateKey(pem: string): ReadPrivateKey
  /** Whether `key`, as PEM or JWK, is a valid public key. */
  isPublicKey(key: unknown): boolean
}

/** Options of a rotation, which replaces the secret of a credential. */
export type CredentialRotation = {
  /** The new secret; one is generated when absent. */
  readonly secret?: string | undefined
  /** Seconds for which the secret before stays valid; 0 ends it at once. */
  readonly overlap: number
  /** Seconds until the new secret expires, 0 for never; as the one before when absent. */
  readonly ttl?: number | undefined
  /** Seconds since the epoch. */
  readonly now: number
  readonly newSecret: () => string
}

/** In seconds since the epoch. */
export type CredentialTimes = {
  /** When its secret was set. */
  readonly issuedAt: number
  /** Null for never. */
  readonly expiresAt: number | null
  /** Until when the secret before is valid. */
  readonly overlapsUntil: number | null
}

/** Hooks of an entity that identifies consumers. */
export type CredentialHooks<Fields> = {
  /** Its name for people; undefined where that is the secret. */
  label?(entry: EntryOf<Fields>): string
  times(entry: EntryOf<Fields>): CredentialTimes
  /** Whether a rotation makes another entry. */
  readonly hasSuccessor?: true
  /** The operations that replace its secret, first the one whose entry has the new one. Without it there is no secret. */
  rotate?(entry: EntryOf<Fields>, rotation: CredentialRotation): readonly AnyOperation[]
}

/** The reason why gateways may not connect to a host; undefined when they may, or when its addresses are not known yet. */
export type RefusalOf = (host: string, port: number) => string | undefined

/** The name of the entity that a reference field holds: its id where the reader may not read it, '' where it is unset. */
export type NameOf = (field: string) => string

/** Functions that override or extend the generic behavior of an entity. */
export type Hooks<Fields> = {
  /** Alternative spellings of a key in paths. */
  keyForms?(at: string): readonly string[]
  /** Finds an entry that a path addresses by something other than id or key. */
  findId?(address: EntryAddress, lookup: Lookup): string | undefined
  /** The operations that one operation of the Admin API implies, itself first. A denial at any of `aliases` denies it. */
  expandOperation?(
    operation: AnyOperation,
    context: {
      readonly known: EntryOf<Fields> | undefined
      readonly lookup: Lookup
      readonly newId: () => string
    },
  ): { readonly operations: readonly AnyOperation[]; readonly aliases: readonly OperationAlias[] }
  /** Slow work on a body, such as password hashing; runs before the change enters the queue. */
  prepare?(body: Body, tools: EntityTools): Promise<Body>
  /** Expands Kong's shorthands in a body. */
  normalize?(body: Body): Body
  /** The schema of `config`, selected by `name`. */
  configSchema?(name: unknown, catalog: readonly PluginSchema[]): z.ZodObject | undefined
  /** The deprecated names of settings in `config`. */
  configShorthands?(fields: Body, catalog: readonly PluginSchema[]): Shorthands | undefined
  /** Fills a body with what the entities of `refersToMany` give, before it is parsed. The references have ids. */
  fillLinks?(
    body: Body,
    context: {
      readonly lookup: Lookup
      readonly workspace: string | null
      readonly catalog: readonly PluginSchema[]
    },
  ): Body
  /** Fields that must be null beside the others. */
  forbiddenFields?(fields: Body, catalog: readonly PluginSchema[]): readonly string[]
  /** Errors of a body beyond those of its schema, by field. */
  fieldViolations?(fields: Body, catalog: readonly PluginSchema[]): Violations
  /** Kong's error message for a `name` without a schema. */
  unknownName?(name: string): string
  /** Checks that need platform functions, such as parsing certificates; returns the fields with derived ones filled. `now` is in seconds since the epoch. */
  complete?(
    fields: AnyFields,
    context: {
      readonly tools: EntityTools
      readonly now: number
      readonly refusalOf: RefusalOf
    },
  ): AnyFields
  /** The hash to store in place of a secret; undefined to store the secret itself. */
  hashSecret?(
    field: string,
    clear: string,
    fields: AnyFields,
    tools: EntityTools,
  ): string | undefined
  /** Throws to refuse a write; returns fields to override. */
  beforeWrite?(
    write: {
      readonly before: EntryOf<Fields> | undefined
      readonly after: EntryOf<Fields>
      readonly given: Body
      readonly isDeclared: boolean
    },
    lookup: Lookup,
  ): Partial<Fields> | undefined
  credential?: CredentialHooks<Fields>
  afterCreate?(entry: EntryOf<Fields>, edit: Edit): void
  /** Throws to refuse a removal, or removes dependent entries. */
  beforeRemove?(entry: EntryOf<Fields>, edit: Edit): void
  /** Called after the removal of an entry of any entity. */
  afterAnyRemove?(
    removed: { readonly entity: Declaration; readonly entry: AnyEntry },
    edit: Edit,
  ): void
  /** Whether a change ends the sessions of the principal with this id. */
  endsSessions?(before: EntryOf<Fields> | undefined, after: EntryOf<Fields> | undefined): boolean
  /** Describes an entry in summaries, after the name of its kind. Without it: its key and its parent. Names other entities only by `nameOf`. */
  describe?(entry: EntryOf<Fields>, nameOf: NameOf): string
  /** Members that an answer adds to the stored fields, or overrides. `now` is in seconds since the epoch. */
  present?(entry: EntryOf<Fields>, context: { readonly lookup: Lookup; readonly now: number }): Body
}

/** An implied action on another entity. */
export type OperationAlias = {
  readonly entity: Declaration
  readonly at: string | undefined
  readonly action: 'create' | 'delete'
}

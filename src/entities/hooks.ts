import type { z } from 'zod'
import type { AnyEntry, AnyFields, Declaration, EntryOf, StoredFields } from './declaration.ts'
import type { PluginSchema } from './plugin-schema.ts'

/** A body as it arrives: named values, not yet checked. */
export type Body = Readonly<Record<string, unknown>>

/** Something to be done to one entity. */
export type OperationOn<Name extends string, Entry> = {
  /**
   * `replace` puts a whole entity in place of what is there, if anything is. Of many operations together, `remove` takes
   * away an entity without what belongs to it and `restore` puts an entry back as it was; references are checked when
   * all are done.
   */
  readonly kind: 'create' | 'replace' | 'update' | 'delete' | 'remove' | 'restore'
  /** Name of the entity, for example `service`. */
  readonly entity: Name
  /** Id of the workspace; null for what belongs to none. */
  readonly workspace: string | null
  /** Id or key; absent when something is created. */
  readonly at?: string
  /** Whether `at` can only be an id, so that nothing is searched by key. */
  readonly isById?: true
  /** The reference that a nested path fixes: the entity must hold it, and one that is created gets it. */
  readonly within?: Within
  readonly body?: Body
  /** Whether a password in the body is the hash of one already. */
  readonly isHashed?: boolean
  /** What is restored. */
  readonly entry?: Entry
}

/** An operation on an entity of any kind. */
export type AnyOperation = OperationOn<string, AnyEntry>

/** A reference that an entry must hold. */
export type Within = { readonly field: string; readonly id: string }

/** Where an entry is to be found. */
export type EntryAddress = {
  /** Ignored for what belongs to no workspace. */
  readonly workspace: string | null
  /** Its id or its key. */
  readonly at: string
  readonly within?: Within | undefined
}

/** A configuration as hooks read it. */
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
  /** Entries of any kind. */
  withId(id: string): readonly AnyEntry[]
  workspaces(): readonly { readonly id: string; readonly name: string }[]
}

/** A configuration in the making as hooks change it. */
export type Edit = Lookup & {
  create<D extends Declaration>(
    entity: D,
    entry: Omit<EntryOf<StoredFields<D>>, 'id' | 'updatedAt'>,
  ): EntryOf<StoredFields<D>>
  /** Every entry of one kind, whatever its workspace. */
  all<D extends Declaration>(entity: D): readonly EntryOf<StoredFields<D>>[]
  /** Removes an entry with all that belongs to it; refuses while something else refers to it. */
  remove(entity: Declaration, entry: AnyEntry): void
  /** Removes an entry alone. */
  discard(entity: Declaration, id: string): void
  /** What a workspace holds, each kind that it holds any of. */
  contents(
    workspace: string,
  ): readonly { readonly entity: Declaration; readonly entries: readonly AnyEntry[] }[]
}

/** A certificate as far as hooks need to read it. */
export type ReadCertificate = {
  /** SHA-256 of its DER form, in hex. */
  readonly sha256: string
  /** Milliseconds since the epoch. */
  readonly validTo: number
  readonly isAuthority: boolean
  hasPrivateKey(key: ReadPrivateKey): boolean
}

/** A private key as far as hooks need to read it; `pem` is its text. */
export type ReadPrivateKey = { readonly type: string | undefined; readonly pem: string }

/** What hooks need of the platform; a browser has nothing of it. */
export type EntityTools = {
  newId(): string
  /** SHA-256 in hex, by which random secrets are found. */
  hashSecret(secret: string): string
  sha1(text: string): string
  /** Slow and salted, for what people choose. */
  hashPassword(password: string): Promise<string>
  /** Throws what the parser says. */
  readCertificate(pem: string): ReadCertificate
  /** Throws what the parser says. */
  readPrivateKey(pem: string): ReadPrivateKey
  /** Whether this is a public key, as PEM or as a JWK. */
  isPublicKey(key: unknown): boolean
}

/** The name of what a reference field refers to, its id where the reader may not read it, '' where the field is unset. */
export type NameOf = (field: string) => string

/** What is special about a kind of entity; the general way is taken for each hook that is absent. */
export type Hooks<Fields> = {
  /** Other forms of its key by which a path may name it. */
  keyForms?(at: string): readonly string[]
  /** The id of the entry that a path names otherwise than by id or key. */
  findId?(address: EntryAddress, lookup: Lookup): string | undefined
  /** The operations that one operation on the Admin API stands for, itself first; the others need the permissions that `asks` names too. */
  expandOperation?(
    operation: AnyOperation,
    context: {
      readonly known: EntryOf<Fields> | undefined
      readonly lookup: Lookup
      readonly newId: () => string
    },
  ): { readonly operations: readonly AnyOperation[]; readonly asks: readonly OperationAsk[] }
  /** Slow work on a body, done before the change takes its turn. */
  prepare?(body: Body, tools: EntityTools): Promise<Body>
  /** A body with Kong's shorthands replaced by the fields they stand for. */
  normalize?(body: Body): Body
  /** The schema of `config`, which depends on `name`. */
  configSchema?(name: unknown, catalog: readonly PluginSchema[]): z.ZodObject | undefined
  /** Kong's sentence for a `name` that has no schema. */
  unknownName?(name: string): string
  /** Checks what only the control plane can read, such as certificates; returns the fields with what follows from them filled. */
  complete?(
    fields: AnyFields,
    context: { readonly tools: EntityTools; readonly now: number },
  ): AnyFields
  /** What is stored in place of a secret; undefined when it is stored as it is. */
  hashSecret?(
    field: string,
    clear: string,
    fields: AnyFields,
    tools: EntityTools,
  ): string | undefined
  /** Refuses a write; returns fields that are stored otherwise than they were given. */
  beforeWrite?(
    write: {
      readonly before: EntryOf<Fields> | undefined
      readonly after: EntryOf<Fields>
      readonly given: Body
    },
    lookup: Lookup,
  ): Partial<Fields> | undefined
  afterCreate?(entry: EntryOf<Fields>, edit: Edit): void
  /** Refuses a removal, or removes what goes with the entry. */
  beforeRemove?(entry: EntryOf<Fields>, edit: Edit): void
  /** Called when an entry of any kind is removed. */
  afterAnyRemove?(
    removed: { readonly entity: Declaration; readonly entry: AnyEntry },
    edit: Edit,
  ): void
  /** Whether a change signs out the principal that it is about. */
  endsSessions?(before: EntryOf<Fields> | undefined, after: EntryOf<Fields> | undefined): boolean
  /** The entry for people, after the name of its kind; absent, its key and what it belongs to. Names others only by `nameOf`. */
  describe?(entry: EntryOf<Fields>, nameOf: NameOf): string
  /** Members of an answer that are not the stored fields. `now` is in seconds since the epoch. */
  present?(entry: EntryOf<Fields>, context: { readonly lookup: Lookup; readonly now: number }): Body
}

/** What must be allowed for a part of an operation: an action on one entity, named by its key. */
export type OperationAsk = {
  readonly entity: Declaration
  readonly at: string | undefined
  readonly action: 'create' | 'delete'
}

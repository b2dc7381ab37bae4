import type { Decision, HeldRole, Rights } from '../access/rights.ts'
import type { Headers, Identified } from '../identity/identify.ts'
import type { Clock } from '../lib/clock.ts'
import type { Problem } from '../lib/problem.ts'
import type { PluginSchema } from '../entities/plugin-schema.ts'
import type { EntityName } from '../entities/entities.ts'
import type { Entries, Entry } from '../entities/entry.ts'
import type { Lookup } from '../entities/hooks.ts'
import type { SealedSnapshot, Snapshot } from '../schema/snapshot.ts'
import type { ChangeCount, RecordedChange, Revision, RevisionSpan } from '../store/store.ts'
import type { Change, ChangeRequest } from './change-configuration.ts'
import type { Address } from './find-entry.ts'
import type { ListRequest } from './list-entries.ts'
import type { Ledger } from './open-ledger.ts'
import type { TokenNotes } from './sign-in/open-token-uses.ts'
import type { AccessCheck } from './permit.ts'
import type { SignIn } from './sign-in/sign-in.ts'

/** A revision as everybody outside of this room sees it. */
export type Current = {
  readonly revision: number
  readonly entries: Entries
  readonly snapshot: Snapshot
  readonly sealed: SealedSnapshot
}

/** The configuration of a control plane: the only way to read it, to change it, and to learn who may. */
export type Configuration = SignIn & {
  readonly clock: Clock
  /** In which database it is kept, as Kong names it. */
  readonly database: 'sqlite' | 'postgres'
  /** Queries the database; rejects when that fails. */
  ping(): Promise<void>
  /** Policies that plugins may name. */
  readonly catalog: readonly PluginSchema[]
  /** Ed25519 public key that proves a seal, SPKI PEM. */
  readonly publicKeyPem: string
  /** What a process must know to become a node. */
  readonly joinSecret: string
  current(): Current
  /** Calls the listener with every revision from now on; returns how to stop it. */
  onPublish(listener: (current: Current) => void): () => void
  /** Who sends these headers. */
  identify(headers: Headers, address?: string): Promise<Identified | undefined>
  /** When tokens were last used. */
  readonly tokenUses: Pick<TokenNotes, 'find'>
  /** The rights of an enabled principal, those of the present revision. */
  rightsOf(principal: string): Rights | undefined
  /** The roles granted to a principal. */
  rolesOf(principal: string): readonly HeldRole[]
  /** Why a principal is refused what is asked; undefined when it is allowed. */
  refusal(principal: string, check: AccessCheck): Problem | undefined
  /** The decision about a question, allowed or not. */
  judge(principal: string, check: AccessCheck): Decision
  /** One entry, by id or key. Does not ask who may. */
  find<K extends EntityName>(address: Address<K>): Entry<K> | undefined
  /** Entries of one kind in order of id, read no further than they are iterated. Checks no permissions. */
  scan<K extends EntityName>(request: ListRequest<K>): Iterable<Entry<K>>
  /** Builds the indexes that a list needs, in slices; without it, the first list builds them at once. */
  prepareList(request: Omit<ListRequest, 'workspace'>): Promise<void>
  /** All entries of one kind, in order of id. Checks no permissions. */
  list<K extends EntityName>(request: ListRequest<K>): Entry<K>[]
  /** The present revision as the hooks of entities read it. */
  readonly lookup: Lookup
  /** How many entries of one kind each workspace has, by its id. Does not ask who may. */
  count(entity: EntityName): ReadonlyMap<string | null, number>
  /** Makes a change, if the asker may. */
  change(request: ChangeRequest): Promise<Change>
  /** What was done and refused so far. */
  readonly audit: Ledger
  /** Newest first. */
  readRevisions(limit: number): Promise<Revision[]>
  /** The revisions of a span, newest first. */
  readRevisionSpan(span: RevisionSpan): Promise<Revision[]>
  /** What the revisions of a span did, oldest first. */
  readChanges(span: RevisionSpan): Promise<RecordedChange[]>
  /** How much the revisions of a span did. */
  countChanges(span: RevisionSpan): Promise<ChangeCount[]>
  /** A setting that a change left behind. */
  readSetting(name: string): Promise<string | undefined>
  writeSetting(name: string, value: string | undefined): Promise<void>
  /** Lets the change whose turn it is finish and closes the store. */
  close(): Promise<void>
}

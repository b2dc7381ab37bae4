import type { Decision, HeldRole, Rights } from '../access/rights.ts'
import type { Headers, Identified } from '../identity/identify.ts'
import type { Clock } from '../lib/clock.ts'
import type { Problem } from '../lib/problem.ts'
import type { PluginSchema } from '../entities/plugin-schema.ts'
import type { EntityName } from '../entities/entities.ts'
import type { Entries, Entry, Touched } from '../entities/entry.ts'
import type { Lookup } from '../entities/hooks.ts'
import type { Seal, Snapshot } from '../schema/snapshot.ts'
import type { Revision } from '../schema/audit-record.ts'
import type { ChangeCount, RecordedChange, RevisionSpan } from '../store/store.ts'
import type { Change, ChangeRequest } from './change-configuration.ts'
import type { ConfigurationView } from './configuration-view.ts'
import type { EntryIndexes } from './entry-indexes.ts'
import type { Address } from './find-entry.ts'
import type { ListRequest } from './list-entries.ts'
import type { AuditLog } from './audit/open-audit-log.ts'
import type { RevisionRetention } from './prune-revisions.ts'
import type { RouteValidation } from './route-validation.ts'
import type { Reader } from './reader.ts'
import type { IdentityUses } from '../store/identity-uses.ts'
import type { Account } from './sign-in/open-account.ts'
import type { ProviderSignIn } from './sign-in/open-provider-sign-in.ts'
import type { TokenUseTracker } from './sign-in/open-token-uses.ts'
import type { AccessCheck } from './permit.ts'
import type { SignIn } from './sign-in/sign-in.ts'

/** The current revision. */
export type Current = {
  readonly revision: number
  readonly entries: Entries
  readonly indexes: EntryIndexes
  readonly snapshot: Snapshot
  readonly seal: Seal
}

/** The configuration of a control plane: reads, changes, authentication and authorization. */
export type Configuration = SignIn & {
  readonly clock: Clock
  /** The database engine, as Kong names it. */
  readonly database: 'sqlite' | 'postgres'
  /** Rejects when the database does not answer a query. */
  ping(): Promise<void>
  /** The available plugins. */
  readonly catalog: readonly PluginSchema[]
  readonly routeValidation: RouteValidation
  /** Ed25519 public key that verifies seals, SPKI PEM. */
  readonly publicKeyPem: string
  /** The secret with which a process enrols as a node. */
  readonly joinSecret: string
  current(): Current
  /** Calls the listener with every later revision; the returned function unsubscribes it. */
  onPublish(listener: (current: Current) => void): () => void
  /** Authenticates a request by its headers. */
  identify(headers: Headers, address?: string): Promise<Identified | undefined>
  readonly tokenUses: Pick<TokenUseTracker, 'find'>
  readonly identityUses: Pick<IdentityUses, 'find'>
  readonly account: Account
  /** Sign-in by the identity provider, where one is configured. */
  readonly provider: ProviderSignIn | undefined
  /** The rights of an enabled principal at the current revision. */
  rightsOf(principal: string): Rights | undefined
  /** The roles of a principal, granted directly or through groups. */
  rolesOf(principal: string): readonly HeldRole[]
  /** The parts of the current revision that a principal may read. */
  readerFor(principal: string): Reader
  /** The 401 or 403 for a request; undefined when it is allowed. */
  refusal(principal: string, check: AccessCheck): Problem | undefined
  /** Throws that Problem. For checks of any number of requests, which are made in slices. */
  permit(principal: string, check: AccessCheck): Promise<void>
  /** The decision on a request, with the rule that decided. */
  decide(principal: string, check: AccessCheck): Decision
  /** One entry, by id or key. Checks no permissions. */
  find<K extends EntityName>(address: Address<K>): Entry<K> | undefined
  /** Entries of one kind in order of id, read no further than they are iterated. Checks no permissions. */
  scan<K extends EntityName>(request: ListRequest<K>): Iterable<Entry<K>>
  /** Builds the indexes that a list needs, in slices; without it, the first list builds them at once. */
  prepareList(request: Omit<ListRequest, 'workspace'>): Promise<void>
  /** All entries of one kind, in order of id. Checks no permissions. */
  list<K extends EntityName>(request: ListRequest<K>): Entry<K>[]
  /** The current revision as the hooks of entities read it. */
  readonly lookup: Lookup
  /** Workspace id → number of entries of one kind. Checks no permissions. */
  count(entity: EntityName): ReadonlyMap<string | null, number>
  /** Applies a change; throws a Problem when it is invalid or the principal may not make it. */
  change(request: ChangeRequest): Promise<Change>
  /** Throws a Problem when a change by the principal would let workspaces receive requests of each other. */
  checkDraft(
    principal: string,
    draft: ConfigurationView,
    touched: readonly Touched[],
  ): Promise<void>
  readonly audit: AuditLog
  /** Newest first. */
  readRevisions(limit: number): Promise<Revision[]>
  /** Newest first. */
  readRevisionSpan(span: RevisionSpan): Promise<Revision[]>
  /** The changes of a span of revisions, oldest first. */
  readChanges(span: RevisionSpan): Promise<RecordedChange[]>
  /** The newest revision that was pruned, 0 when none was. */
  prunedThrough(): Promise<number>
  /** Prunes revisions in small steps, unless another control plane does. `firstNeeded` and later ones are kept, as is the newest. */
  pruneRevisions(retention: RevisionRetention, firstNeeded: number): Promise<void>
  /** The number of changes per revision, entity and kind of change. */
  countChanges(span: RevisionSpan): Promise<ChangeCount[]>
  /** A setting of the store, for example one that a change wrote (`ChangeRequest.settings`). */
  readSetting(name: string): Promise<string | undefined>
  writeSetting(name: string, value: string | undefined): Promise<void>
  /** Waits for the running change and closes the store. */
  close(): Promise<void>
}

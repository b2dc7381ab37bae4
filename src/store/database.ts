import type { Kysely } from 'kysely'
import type { EntityRow } from './entity-table.ts'

/** The tables that are not entities. */
export type FixedTables = {
  revisions: {
    number: number
    time: number
    principal: string
    summary: string
    message: string | null
    signature: string
    /** Null for revisions from before 0007-roots. */
    root: string | null
  }
  /** The entry before and after a revision as JSON; null where it did not exist. */
  changes: {
    number: number
    entity: string
    id: string
    workspace_id: string | null
    before: string | null
    after: string | null
  }
  audit: {
    id: string
    /** Place in the chain. */
    sequence: number
    previous: string
    hash: string
    time: number
    request_id: string
    workspace_id: string
    principal_id: string | null
    principal_name: string | null
    address: string
    workspace: string
    method: string
    path: string
    action: string
    allowed: number
    because: string
    before: string
    after: string
    status: number
    revision: number | null
    /** Null for records from before 0010-revision-hashes, and for those that created no revision. */
    revision_hash: string | null
  }
  /** One row: the signed end of the chain. Its row lock serializes appends. */
  audit_head: {
    id: number
    sequence: number
    hash: string
    time: number
    key: string
    signature: string
  }
  audit_checkpoints: {
    kind: string
    sequence: number
    hash: string
    time: number
    key: string
    signature: string
  }
  token_uses: { token_id: string; time: number; address: string }
  /** `ends_at` in milliseconds since the epoch. */
  leases: { name: string; holder: string; ends_at: number }
  settings: { name: string; value: string }
  sessions: {
    sha256: string
    principal_id: string
    expires_at: number
    /** Names the session for people; not secret. */
    id: string
    /** Null for sessions from before 0012-sign-in. */
    created_at: number | null
    address: string
    user_agent: string
    identity_id: string | null
    /** Session at the provider (OpenID Connect Back-Channel Logout section 2.4). */
    sid: string | null
  }
  /** `claims_at` is when the provider issued the claims that were last applied; both in milliseconds. */
  identity_uses: { identity_id: string; time: number; address: string; claims_at: number }
  /** TOTP: `secret` and `recovery` are encrypted; `confirmed_at` is null while it is being set up. */
  second_factors: {
    principal_id: string
    secret: string
    recovery: string
    last_step: number
    confirmed_at: number | null
  }
}

/** The store's database through Kysely. */
export type Database = Kysely<FixedTables>

/** The same database for statements whose table is that of an entity. */
export const entityTables = (database: Database): Kysely<Record<string, EntityRow>> =>
  database as unknown as Kysely<Record<string, EntityRow>>

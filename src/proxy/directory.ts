import type { SnapshotItem } from '../schema/snapshot.ts'

export type KnownConsumer = {
  readonly id: string
  /** Username, else custom id, else id. */
  readonly name: string
  readonly username: string | null
  readonly customId: string | null
  /** Groups of its ACL credentials. */
  readonly groups: readonly string[]
  /** Names of its consumer groups; the same list for all consumers with the same groups. */
  readonly consumerGroups: readonly string[]
}

/** The authenticated caller. */
export type Caller = {
  readonly kind: 'consumer'
  readonly method: string
  readonly credential: string
  readonly consumer: KnownConsumer
}

/** The lists of credentials that are found by a name: a username or key. */
export type CredentialList = 'basic_auths' | 'jwts' | 'hmac_auths'

/** A credential and the consumer that it identifies. */
export type FoundCredential<List extends CredentialList = CredentialList> = {
  readonly credential: SnapshotItem<List>
  readonly consumer: KnownConsumer
}

/** The consumers and credentials of a program. */
export type Directory = {
  /** The consumer of a workspace that holds an API key. */
  findKey(this: void, workspace: string, key: string): Caller | undefined
  /** A credential of a workspace by its username or key; the same object in programs in which it is the same. */
  findCredential<List extends CredentialList>(
    this: void,
    list: List,
    workspace: string,
    name: string,
  ): FoundCredential<List> | undefined
  /** A consumer of a workspace by id or username. */
  findConsumer(this: void, workspace: string, idOrName: string): KnownConsumer | undefined
}

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

/** By what plugins of a consumer or consumer group are chosen. */
export type CallerScope = Pick<KnownConsumer, 'id' | 'consumerGroups'>

export const scopeOf = (caller: Caller | undefined): CallerScope | undefined =>
  caller?.scope ?? caller?.consumer

/** Claims from the token of a caller. */
export type TokenIdentity = {
  readonly subject: string
  readonly issuer: string
  readonly scopes: readonly string[]
  /** Groups that the token names, Kong's authenticated groups. */
  readonly groups: readonly string[]
  /** The party that acts for the subject (RFC 8693 section 4.1), or ''. */
  readonly agent: string
}

/** The authenticated caller. */
export type Caller = {
  readonly kind: 'consumer' | 'user' | 'service-account' | 'agent'
  readonly method: string
  readonly credential: string
  /** Absent for the holder of a token that no consumer is mapped to. */
  readonly consumer: KnownConsumer | undefined
  /** Replaces the consumer where plugins are chosen: consumer groups that a token names. */
  readonly scope?: CallerScope
  readonly identity?: TokenIdentity
}

/** A caller that is a consumer. */
export type ConsumerCaller = Caller & { readonly consumer: KnownConsumer }

/** The fields of a consumer that identify it. */
export type ConsumerField = 'id' | 'username' | 'custom_id'

/** The lists of credentials that are found by a name: a username, a key, or what `certificateName` makes. */
export type CredentialList = 'basic_auths' | 'jwts' | 'hmac_auths' | 'mtls_auths'

/** A credential and the consumer that it identifies. */
export type FoundCredential<List extends CredentialList = CredentialList> = {
  readonly credential: SnapshotItem<List>
  readonly consumer: KnownConsumer
}

/** The name of a credential for client certificates with this name, issued by one CA, or by any. */
export const certificateName = (subjectName: string, authority: string | null): string =>
  `${authority ?? 'any'} ${subjectName}`

/** The consumers and credentials of a program. */
export type Directory = {
  /** The consumer of a workspace that holds an API key. */
  findKey(this: void, workspace: string, key: string): ConsumerCaller | undefined
  /** A credential of a workspace by its username or key that has not expired; the same object in programs in which it is the same. */
  findCredential<List extends CredentialList>(
    this: void,
    list: List,
    workspace: string,
    name: string,
  ): FoundCredential<List> | undefined
  /** A consumer of a workspace by id or username. */
  findConsumer(this: void, workspace: string, idOrName: string): KnownConsumer | undefined
  findConsumerBy(
    this: void,
    workspace: string,
    field: ConsumerField,
    value: string,
  ): KnownConsumer | undefined
  /** Whether a workspace has a consumer group of this name. */
  hasConsumerGroup(this: void, workspace: string, name: string): boolean
  /** A CA certificate by its id; the same object in programs in which it is the same. */
  findAuthority(this: void, id: string): SnapshotItem<'ca_certificates'> | undefined
}

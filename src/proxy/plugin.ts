import type { z } from 'zod'
import type { Clock } from '../lib/clock.ts'
import type { PluginScope, Shorthands, SupportedPartials } from '../entities/plugin-schema.ts'
import type { Log } from '../lib/log.ts'
import type { Problem } from '../lib/problem.ts'
import type { EventRecord } from '../schema/event.ts'
import type { OpenExporter } from '../schema/exporter.ts'
import type { SnapshotItem } from '../schema/snapshot.ts'
import type { TrafficMetrics } from '../schema/traffic-report.ts'
import type {
  ConsumerCaller,
  ConsumerField,
  CredentialList,
  FoundCredential,
  KnownConsumer,
} from './directory.ts'
import type { Exchange } from './exchange.ts'
import type { HeaderList } from './header-list.ts'
import type { PluginCache } from './plugin-caches.ts'

/** An answer of the gateway itself, without a request to the service. */
export type PluginAnswer = {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  /** The fields of a stored answer of the service, which plugins change as they change those of a new one. */
  readonly serviceHeaders?: HeaderList
  /** The raw body. */
  readonly body?: string | Uint8Array
  /** Instead of `body`, a sentence in the form that the client accepts: JSON, plain text, HTML or XML. */
  readonly message?: string
  /** Marks the answer as a refusal: the event is `denied` for this reason. Without it the event is `allowed`. */
  readonly refusal?: Problem
}

/** Undefined to continue, or an answer to the request; a promise only when the plugin has to wait. */
export type PluginResult = void | PluginAnswer | Promise<void | PluginAnswer>

/** One window of a limit. */
export type Window = {
  readonly key: string
  readonly limit: number
  /** Milliseconds since the epoch at which the window ends and its count may be forgotten. */
  readonly endsAt: number
  /** Of a sliding window: the window before, whose count counts for this part, 0 to 1. */
  readonly previous?: { readonly key: string; readonly weight: number }
  /** Counts requests that are refused too. */
  readonly countsRefused?: boolean
  /** Cost of the request, 1 by default; 0 reads the count. */
  readonly cost?: number
}

/** Whether a request is within the limits of all its windows; if not, it counts only in those that count refused requests. `counts` include the weighted count of the previous window. */
export type CounterResult = { readonly admitted: boolean; readonly counts: readonly number[] }

/** Counts that all workers of a node share exactly: of any number of concurrent calls at most `limit` are admitted in a window. */
export type Counters = { take(windows: readonly Window[]): CounterResult | Promise<CounterResult> }

type RedisNode = { readonly host?: string; readonly ip?: string; readonly port: number }

/** Redis server of counters, with the names of Kong's settings: nodes of a cluster, the master that Sentinel reports, or a host. */
export type RedisAddress = {
  readonly host: string | null
  readonly port: number
  readonly username: string | null
  readonly password: string | null
  readonly database: number
  /** Milliseconds to connect, and to wait for an answer. */
  readonly timeout: number
  readonly ssl: boolean
  readonly ssl_verify: boolean
  readonly server_name: string | null
  /** Milliseconds, in place of `timeout`. */
  readonly connect_timeout?: number | null | undefined
  readonly read_timeout?: number | null | undefined
  readonly sentinel_master?: string | null | undefined
  readonly sentinel_nodes?: readonly RedisNode[] | null | undefined
  readonly sentinel_role?: 'master' | 'slave' | 'any' | null | undefined
  readonly sentinel_username?: string | null | undefined
  readonly sentinel_password?: string | null | undefined
  readonly cluster_nodes?: readonly RedisNode[] | null | undefined
  readonly cluster_max_redirections?: number | null | undefined
}

/** Counters that are closed with the plugin that opened them. */
export type CounterSource = Counters & { close(): void }

/** Small values that processes share, each for some milliseconds. Calls reject while they cannot be reached. */
export type SharedValues = {
  get(this: void, key: string): Promise<string | undefined>
  set(this: void, key: string, value: string, milliseconds: number): Promise<void>
  /** Sets a value unless there is one, in one step; false when there is one. */
  add(this: void, key: string, value: string, milliseconds: number): Promise<boolean>
  /** Keeps a value for so long from now on, if there is one. */
  extend(this: void, key: string, milliseconds: number): Promise<void>
  delete(this: void, key: string): Promise<void>
}

/** Values that are closed with the plugin that opened them. */
export type ValueSource = SharedValues & { close(this: void): void }

/** A request of a plugin, by POST when it has a body. */
export type HttpRequest = {
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array
  /** Milliseconds until the whole response must have arrived. */
  readonly timeout: number
  /** Whether to verify the certificate of the server. */
  readonly verifiesTls: boolean
}

/** Sends a request to an address that the operator's egress rules allow. Redirects are not followed. Rejects when the response is incomplete. */
export type HttpClient = (url: string, request: HttpRequest) => Promise<Response>

/** Tools of a plugin, which must not import them. */
export type PluginTools = {
  /** Id of the configured plugin. */
  readonly id: string
  readonly workspace: string
  readonly clock: Clock
  readonly counters: Counters
  /** Counters that all nodes share which use the same database of Redis; `syncRate` as Kong's `sync_rate`. Connects for the first request only. */
  redisCounters(this: void, address: RedisAddress, syncRate: number): CounterSource
  /** Opens an empty cache in the memory of the worker, which the plugin closes. */
  openCache<Value>(this: void): PluginCache<Value>
  /** Values that the workers of this node share, of this workspace only. The oldest are forgotten beyond 20,000 or 16 MiB. */
  readonly sharedValues: SharedValues
  /** Values that all nodes share which use the same database of Redis, in keys with this prefix. Connects for the first request only. */
  redisValues(this: void, address: RedisAddress, prefix: string): ValueSource
  readonly trafficMetrics: TrafficMetrics
  /** Opens an exporter, which the plugin closes. */
  readonly openExporter: OpenExporter
  readonly http: HttpClient
  /** Limited: a message is written a few times in ten seconds and then counted. */
  readonly log: Log
  /** The consumer that holds an API key in this workspace, in the program of the exchange. */
  findKey(exchange: Exchange, key: string): ConsumerCaller | undefined
  /** A credential of this workspace by its username or key, in the program of the exchange. */
  findCredential<List extends CredentialList>(
    exchange: Exchange,
    list: List,
    name: string,
  ): FoundCredential<List> | undefined
  /** A consumer of this workspace by id or username, in the program of the exchange. */
  findConsumer(this: void, exchange: Exchange, idOrName: string): KnownConsumer | undefined
  /** The consumer of this workspace with this value in a field, in the program of the exchange. */
  findConsumerBy(
    this: void,
    exchange: Exchange,
    field: ConsumerField,
    value: string,
  ): KnownConsumer | undefined
  /** Whether this workspace has a consumer group of this name, in the program of the exchange. */
  hasConsumerGroup(this: void, exchange: Exchange, name: string): boolean
  /** A CA certificate by its id, in the program of the exchange. */
  findAuthority(this: void, exchange: Exchange, id: string): AuthorityItem | undefined
}

type AuthorityItem = SnapshotItem<'ca_certificates'>

/** A configured plugin, ready to act. */
export type PluginUse = {
  /** Before the request is forwarded. Returns an answer to give it instead of asking the service; throws a Problem to refuse. */
  onRequest?(exchange: Exchange): PluginResult
  /** Before a stream (TCP, TLS, UDP) is forwarded, for plugins with `actsOnStreams`. Throws a Problem to refuse it. */
  onStream?(exchange: Exchange): void
  /** Before the head of any answer is sent, once per exchange; may add to `exchange.answerHeaders` and change `exchange.serviceHeaders`. Returns an answer to give it instead of that of the service; the first one counts. If it throws, the answer becomes a 500. */
  onResponse?(exchange: Exchange): void | PluginAnswer
  /** Before the event of an exchange is recorded, for any answer: returns the event to record instead. If it throws, a minimal event is recorded. */
  onRecord?(exchange: Exchange, event: EventRecord): EventRecord
  /** After the event of an exchange is recorded and its answer has ended, for any answer; Kong's phase `log`. Must not wait; defer long work to later turns of the event loop. */
  onLog?(exchange: Exchange, event: EventRecord): void
  /** After the last exchange of every program that has it; `onLog` may still be called for some. */
  close?(): void
}

/** A plugin: its name, its settings, and how it is prepared.
 *
 *  1. `settings` checks the configuration and fills its defaults, in the control plane, before anything is stored.
 *  2. `prepare` runs in every worker when a program with changed settings is compiled; precompute here. Programs
 *     with the same settings share what it returns, with its state.
 *  3. `onRequest` runs for each exchange in the catalog's order, and returns a promise only when it must wait.
 *  4. `onResponse` runs for each answer, in the opposite order.
 *  5. `onRecord` runs for each exchange, refused ones too, before its event is recorded.
 *  6. `onLog` runs for each exchange once its answer has ended.
 *  7. `close` runs after the last exchange of these programs.
 */
export type PluginDefinition<Settings extends z.ZodObject = z.ZodObject> = {
  readonly name: string
  readonly about: string
  /** True for a plugin that authenticates; the plugins of a consumer are chosen after it ran. */
  readonly identifies: boolean
  readonly settings: Settings
  /** `settings` with rules that are checked in what clients send; stored settings may be older than a rule. */
  readonly acceptedSettings?: Settings
  /** Deprecated names of settings, each with its place now. They are replaced in what clients send. */
  readonly shorthands?: Shorthands
  /** The types of partials that it can be linked to, each with the settings that they can replace. */
  readonly supportedPartials?: SupportedPartials
  /** Scopes that are not allowed, because the plugin runs before they are known. */
  readonly withoutScopes?: readonly PluginScope[]
  /** True for a plugin that acts on streams too. */
  readonly actsOnStreams?: boolean
  /** For a plugin that checks `request.clientCertificate`: ids of the accepted CA certificates. If it returns any list, TLS handshakes request a client certificate. */
  readonly trustedAuthorities?: (
    settings: Readonly<Record<string, unknown>>,
  ) => readonly string[] | undefined
  /** True for a plugin whose callers are named by tokens, so that their credentials are not in the configuration. */
  readonly acceptsTokens?: boolean
  /** True to offer HTTP/2 to https services. */
  readonly offersHttp2?: boolean
  prepare(settings: z.output<Settings>, tools: PluginTools): PluginUse
}

/** Declares a plugin, so that its settings are typed in `prepare`. */
export function definePlugin<Settings extends z.ZodObject>(
  definition: Omit<PluginDefinition<Settings>, 'identifies'> & { identifies?: boolean },
): PluginDefinition {
  return { identifies: false, ...definition } as unknown as PluginDefinition
}

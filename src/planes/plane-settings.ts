import { join } from 'node:path'
import type { ProviderSettings } from '../identity/provider-settings.ts'
import type { EgressRules } from '../lib/egress.ts'
import type { OriginSettings, StreamListener, UdpListener } from '../proxy/listener-options.ts'
import type { RouteValidation } from '../control/route-validation.ts'
import type { TlsPolicySettings } from '../proxy/tls-policy.ts'
import type { AnswerHeaderName, ExchangeSettings } from '../proxy/exchange-settings.ts'
import type { Durability } from '../telemetry/open-recorder.ts'
import type { SpoolLimit } from '../telemetry/open-spool-limit.ts'
import type { WebhookSettings } from '../telemetry/open-webhooks.ts'
import type { AdmissionLimits, TargetLimits } from '../proxy/limits.ts'

/** Port 0 binds a free port. */
export type ListenAddress = { readonly host: string; readonly port: number }

/** Listener of the proxy; with `readsProxy`, connections begin with a PROXY header. */
export type ProxyListen = ListenAddress & { readonly readsProxy: boolean }

export type StreamListen = TcpListen | UdpListen
export type TcpListen = ProxyListen & StreamListener & { readonly isUdp?: never }
export type UdpListen = ListenAddress & UdpListener & { readonly isUdp: true }

/** Listener of the Admin API or of the Manager; `isSecure` enables TLS. */
export type ControlListen = ListenAddress & { readonly isSecure: boolean }

/** Paths of PEM files. */
export type CertificateFiles = { readonly cert: string; readonly key: string }

/** The settings of all planes; plain data, because they are sent to child processes. */
export type PlaneSettings = {
  readonly version: string
  /** The only plane to run; both when absent. */
  readonly plane?: 'gateway' | 'control'
  /** The control plane of a gateway that runs alone. */
  readonly remoteControl?: { readonly url: string; readonly joinToken: string }
  /** Data directory. */
  readonly data: string
  /** Directory of the built pages. */
  readonly pages: string
  readonly proxyListen: ProxyListen
  /** Absent when the proxy does not listen for TLS. */
  readonly proxySslListen?: ProxyListen
  readonly streamListens: readonly StreamListen[]
  readonly tls: { readonly policy: TlsPolicySettings; readonly hasSessionTickets: boolean }
  /** Client addresses behind other proxies. */
  readonly origins: OriginSettings
  readonly adminListens: readonly ControlListen[]
  readonly managerListens: readonly ControlListen[]
  /** Paths; a self-signed certificate is made where there are none. */
  readonly adminCertificate?: CertificateFiles
  readonly managerCertificate?: CertificateFiles
  /** Listener of the node protocol. */
  readonly nodeListen: ListenAddress
  /** Origins whose pages may call the Admin API. */
  readonly corsOrigins: readonly string[]
  /** Host names by which the Admin API and the Manager may be addressed, beside addresses, localhost and those of `corsOrigins`. */
  readonly allowedHosts: readonly string[]
  /** Number of gateway workers. */
  readonly workers: number
  readonly node: string
  readonly zone: string
  readonly environment: string
  /** Largest request body that is proxied, in bytes; 0 for no limit. */
  readonly bodyLimit: number
  /** Memory of one gateway worker for stored responses, in bytes. */
  readonly cacheBytes: number
  /** Limits of one gateway worker. */
  readonly admission: AdmissionLimits
  /** Limits of one gateway worker for one target. */
  readonly targets: TargetLimits
  /** Seconds that exchanges may take to finish when a worker stops. */
  readonly drainSeconds: number
  /** The key that signs the audit log, made when it does not exist; control planes on one database share it. */
  readonly auditKeyFile: string
  /** Days after which records of the audit log are removed. */
  readonly auditDays: number
  /** Days after which recorded requests are removed, where their workspace does not say otherwise. */
  readonly recordDays: number
  /** Directory for backups of the warehouse. */
  readonly backups: string
  /** Days after which revisions are pruned. */
  readonly revisionDays: number
  /** Newest revisions that are kept. */
  readonly revisionCount: number
  /** Validation that isolates routes of different workspaces. */
  readonly routeValidation: RouteValidation
  /** Bootstrap token of the super-admin. */
  readonly adminToken?: string
  /** Bootstrap password of the super-admin. */
  readonly adminPassword?: string
  /** The identity provider by which people sign in; its redirect URI defaults to one of the Manager's own address. */
  readonly provider?: Omit<ProviderSettings, 'redirectUri'> & {
    readonly redirectUri: string | undefined
  }
  /** PostgreSQL database instead of a SQLite file. */
  readonly databaseUrl?: string
  /** The key that encrypts secrets, as text or in a file; without either, one is made in the data directory. */
  readonly encryptionKey?: string
  readonly encryptionKeyFile?: string
  readonly exchanges: Omit<ExchangeSettings, 'answerHeaders' | 'instance'> & {
    /** Headers that are added to answers. */
    readonly answerHeaders: readonly AnswerHeaderName[]
  }
  /** Addresses that services, health checks and vaults may connect to, in addition to the defaults. */
  readonly egress: EgressRules
  /** The environment variables with this prefix may be read by vault references. */
  readonly vaultEnvPrefix: string
  /** Directories below which log files may be written, beside `logs` in the data directory. */
  readonly logDirectories: readonly string[]
  /** The directory below which vaults may read files. */
  readonly vaultFiles: string
  readonly durability: Durability
  /** Space for spooled events of a gateway. */
  readonly spoolLimit: SpoolLimit
  /** Receivers of notifications about new requests, and the secret that signs them. */
  readonly webhooks: { readonly list: readonly WebhookSettings[]; readonly secret: string }
  /** ClickHouse server instead of the embedded engine. */
  readonly warehouseUrl?: string
}

/** The file into which a control plane that runs alone writes the token with which gateways join it. */
export const joinTokenFile = ({ data }: Pick<PlaneSettings, 'data'>): string =>
  join(data, 'join-token')

/** Directory of the snapshots that workers start from; absent on a new node. */
export const gatewaySnapshots = ({ data }: Pick<PlaneSettings, 'data'>): string =>
  join(data, 'gateway', 'snapshots')

export const gatewayListens = ({
  proxyListen,
  proxySslListen,
  streamListens,
}: PlaneSettings): readonly ListenAddress[] => [
  proxyListen,
  ...(proxySslListen === undefined ? [] : [proxySslListen]),
  ...streamListens,
]

/** The address in a URL. */
export function addressOf(url: string): ListenAddress {
  const { hostname, port } = new URL(url)
  return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port) }
}

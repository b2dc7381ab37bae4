import type { AdmissionLimits, TargetLimits } from '../proxy/limits.ts'

/** Where to listen; port 0 takes a free one. */
export type ListenAddress = { readonly host: string; readonly port: number }

/** Where to listen for streams; `isSecure` where they begin with a TLS handshake. */
export type StreamListen = ListenAddress & { readonly isSecure: boolean }

/** Everything the planes are told; plain data, because it travels to child processes. */
export type PlaneSettings = {
  readonly version: string
  /** Directory of everything that is kept. */
  readonly data: string
  /** Directory of the built pages. */
  readonly pages: string
  readonly proxyListen: ListenAddress
  /** Where connections begin with a TLS handshake; absent for nowhere. */
  readonly proxySslListen?: ListenAddress
  readonly streamListens: readonly StreamListen[]
  readonly adminListen: ListenAddress
  readonly managerListen: ListenAddress
  /** Where nodes reach the control plane. */
  readonly nodeListen: ListenAddress
  /** Gateway workers of this node. */
  readonly workers: number
  readonly node: string
  readonly zone: string
  readonly environment: string
  /** Largest request body that is proxied, in bytes; 0 for no limit. */
  readonly bodyLimit: number
  /** How much a gateway worker takes on at a time. */
  readonly admission: AdmissionLimits
  /** How much a gateway worker asks of one target at a time. */
  readonly targets: TargetLimits
  /** Seconds that exchanges under way may take to finish when a worker stops. */
  readonly drainSeconds: number
  /** The key that signs the audit log, made when it is not there; control planes on one database share it. */
  readonly auditKeyFile: string
  /** Days after which records of the audit log are removed. */
  readonly auditDays: number
  /** Bootstrap token of the super-admin. */
  readonly adminToken?: string
  /** Bootstrap password of the super-admin. */
  readonly adminPassword?: string
  /** PostgreSQL database instead of a SQLite file. */
  readonly databaseUrl?: string
  /** The key by which secrets are sealed, as text or in a file; without either one is made in the data directory. */
  readonly encryptionKey?: string
  readonly encryptionKeyFile?: string
  /** The folder below which vaults may read files. */
  readonly vaultFiles: string
  /** ClickHouse server instead of the embedded engine. */
  readonly warehouseUrl?: string
}

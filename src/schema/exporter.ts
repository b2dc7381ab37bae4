import { z } from 'zod'
import type { BatchQueueSettings } from '../lib/batch-queue.ts'

/** Destination of batches. Durations are in milliseconds. */
export type ExportTarget =
  | {
      readonly kind: 'http'
      readonly url: string
      readonly method: string
      readonly headers: Readonly<Record<string, string>>
      readonly timeout: number
      /** Idle timeout of a connection. */
      readonly keepalive: number
    }
  | {
      readonly kind: 'tcp'
      readonly host: string
      readonly port: number
      readonly isSecure: boolean
      /** Default: the host. */
      readonly serverName: string | null
      readonly timeout: number
      readonly keepalive: number
    }
  | { readonly kind: 'udp'; readonly host: string; readonly port: number }
  | { readonly kind: 'file'; readonly path: string; readonly reopens: boolean }

export type ExporterOptions<Entry> = {
  readonly target: ExportTarget
  readonly queue: BatchQueueSettings
  readonly encode: (this: void, entries: readonly Entry[]) => string | Uint8Array
}

/** Sends entries in the background: in batches, with retries and a bounded queue, whose oldest entries are dropped and counted. */
export type Exporter<Entry> = {
  /** Never waits and never throws; `bytes` is about the memory that the entry takes. */
  add(entry: Entry, bytes: number): void
  /** Sends queued entries, then closes connections and files; entries added later are sent too. */
  close(): void
}

/** Opens the exporter of one plugin; connects, or opens its file, for the first entry. */
export type OpenExporter = <Entry>(this: void, options: ExporterOptions<Entry>) => Exporter<Entry>

/** The state of an exporter in one worker, counted since the worker started. */
export const exporterStatus = z.strictObject({
  /** Name and id of the plugin. */
  plugin: z.string(),
  id: z.string(),
  workspace: z.string(),
  queued: z.int(),
  queuedBytes: z.int(),
  sent: z.int(),
  dropped: z.int(),
  /** Attempts to send a batch that failed. */
  failures: z.int(),
  /** Of the last attempt, or ''. */
  error: z.string(),
})

export type ExporterStatus = z.output<typeof exporterStatus>

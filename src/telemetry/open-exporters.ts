import {
  openBatchQueue,
  type BatchQueue,
  type BatchQueueState,
  type ByteBudget,
} from '../lib/batch-queue.ts'
import type { Egress } from '../lib/egress.ts'
import type { Log } from '../lib/log.ts'
import type { ExporterStatus, ExporterOptions, Exporter, ExportTarget } from '../schema/exporter.ts'
import { openFileSink } from './export/file-sink.ts'
import { openHttpSink } from './export/http-sink.ts'
import type { Sink } from './export/sink.ts'
import { openTcpSink } from './export/tcp-sink.ts'
import { openUdpSink } from './export/udp-sink.ts'

/** The plugin to which an exporter belongs. */
export type ExporterOwner = {
  readonly plugin: string
  readonly id: string
  readonly workspace: string
}

/** The exporters of a worker. */
export type Exporters = {
  open<Entry>(this: void, owner: ExporterOwner, options: ExporterOptions<Entry>): Exporter<Entry>
  /** The state of every exporter that is open, and of closed ones that still have entries. */
  status(this: void): ExporterStatus[]
  /** Sends queued entries for at most `milliseconds`; drops and counts the rest. */
  stop(milliseconds: number): Promise<void>
}

export type ExporterTools = {
  readonly egress: Egress
  /** Directories below which files may be written. */
  readonly directories: readonly string[]
  readonly log: Pick<Log, 'warn'>
}

/** Bytes that the queues of all exporters of a worker hold together. */
const maxBytes = 64 * 1_024 * 1_024

type Open = ExporterOwner & { readonly queue: BatchQueue<never> }

export function openExporters({ egress, directories, log }: ExporterTools): Exporters {
  const budget: ByteBudget = { bytes: 0, max: maxBytes }
  const all = new Set<Open>()
  return {
    open(owner, { target, queue: settings, encode }) {
      const sink = openSink(target, egress, directories)
      const queue = openBatchQueue({
        settings,
        budget,
        send: async (entries: Parameters<typeof encode>[0], signal) =>
          sink.send(encode(entries), signal),
        onDropped: (entries, reason, error) =>
          log.warn('exporter: entries dropped', {
            plugin: owner.plugin,
            plugin_id: owner.id,
            entries,
            reason,
            ...(error === undefined ? {} : { error: (error as Error).message }),
          }),
      })
      const opened = { ...owner, queue } as Open
      all.add(opened)
      let isClosing = false
      const closeWhenDrained = (): void => {
        void queue.drain().then(() => {
          all.delete(opened)
          sink.close()
        })
      }
      return {
        add(entry, bytes) {
          queue.add(entry, bytes)
          // An exchange may end after the last program that had the plugin.
          if (isClosing) closeWhenDrained()
        },
        close() {
          isClosing = true
          closeWhenDrained()
        },
      }
    },
    status: () => {
      const found = new Map<string, ExporterStatus>()
      for (const { queue, ...owner } of all) {
        const known = found.get(owner.id)
        const state = queue.state
        found.set(owner.id, known === undefined ? { ...owner, ...state } : sumOf(known, state))
      }
      return [...found.values()]
    },
    async stop(milliseconds) {
      const queues = [...all].map(({ queue }) => queue)
      const timer = setTimeout(() => {
        for (const queue of queues) queue.abort()
      }, milliseconds)
      await Promise.all(queues.map((queue) => queue.drain()))
      clearTimeout(timer)
    },
  }
}

/** While a plugin with changed settings opens its exporter, that of the settings before may still have entries. */
const sumOf = (known: ExporterStatus, state: BatchQueueState): ExporterStatus => ({
  ...known,
  queued: known.queued + state.queued,
  queuedBytes: known.queuedBytes + state.queuedBytes,
  sent: known.sent + state.sent,
  dropped: known.dropped + state.dropped,
  failures: known.failures + state.failures,
  error: state.error === '' ? known.error : state.error,
})

function openSink(target: ExportTarget, egress: Egress, directories: readonly string[]): Sink {
  switch (target.kind) {
    case 'http':
      return openHttpSink(target, egress)
    case 'tcp':
      return openTcpSink(target, egress)
    case 'udp':
      return openUdpSink(target, egress)
    case 'file':
      return openFileSink(target, directories)
  }
}

import type { Exchange } from '../../proxy/exchange.ts'
import type { PluginTools, PluginUse } from '../../proxy/plugin.ts'
import type { EventRecord } from '../../schema/event.ts'
import type { ExporterOptions } from '../../schema/exporter.ts'
import { serializeExchange } from './serialize-exchange.ts'

/** Exports each exchange as a line of JSON. Lines are written after the answers of their turn of the event loop have been sent. */
export function openLogExport(
  { openExporter }: Pick<PluginTools, 'openExporter'>,
  options: ExporterOptions<string>,
): PluginUse {
  const exporter = openExporter(options)
  let ended: { readonly exchange: Exchange; readonly event: EventRecord }[] = []
  const addAll = (): void => {
    const adding = ended
    ended = []
    for (const { exchange, event } of adding) {
      const line = serializeExchange(exchange, event)
      exporter.add(line, line.length)
    }
  }
  return {
    onLog(exchange, event) {
      if (ended.length === 0) setImmediate(addAll)
      ended.push({ exchange, event })
    },
    close: () => exporter.close(),
  }
}

/** Entries each in a line. */
export const encodeLines = (lines: readonly string[]): string => `${lines.join('\n')}\n`

/** The queue of targets for which Kong has no settings: as many entries at once as are there. */
export const streamQueue = {
  max_batch_size: 1_000,
  max_coalescing_delay: 0,
  max_entries: 10_000,
  max_bytes: null,
  max_retry_time: 60,
  initial_retry_delay: 0.1,
  max_retry_delay: 10,
  concurrency_limit: 1,
} as const

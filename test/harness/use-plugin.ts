import { silentLog } from '../../src/lib/log.ts'
import { openCounterTable } from '../../src/cluster/counter-table.ts'
import { localValues } from '../../src/cluster/shared-values.ts'
import { openValueTable } from '../../src/cluster/value-table.ts'
import type { Clock } from '../../src/lib/clock.ts'
import type { Exchange, RequestHead } from '../../src/proxy/exchange.ts'
import { HeaderList } from '../../src/proxy/header-list.ts'
import { openPluginCaches } from '../../src/proxy/plugin-caches.ts'
import type { Counters, PluginDefinition, PluginTools } from '../../src/proxy/plugin.ts'
import { openExchange } from './open-exchange.ts'

/** A plugin that is prepared with a configuration as a client sends it, outside of a gateway. Throws when the configuration is invalid. */
export function usePlugin(
  definition: PluginDefinition,
  config: object,
  tools: Partial<PluginTools> & { readonly clock?: Clock } = {},
) {
  const clock = tools.clock ?? { now: () => Date.now() }
  const { settings, acceptedSettings = settings } = definition
  const use = definition.prepare(acceptedSettings.parse(config), {
    id: 'p1',
    workspace: 'w1',
    clock,
    counters: openCounterTable(clock),
    sharedValues: localValues(openValueTable(clock), clock)('w1'),
    log: silentLog,
    openCache: openPluginCaches(1_048_576).open.bind(undefined, 'p1'),
    findConsumer: () => undefined,
    ...tools,
  } as PluginTools)
  return {
    onRequest: (exchange: Exchange): unknown => use.onRequest?.(exchange),
    onResponse: (exchange: Exchange): unknown => use.onResponse?.(exchange),
  }
}

/** Counters that several plugins share. */
export const openTestCounters = (): Counters => openCounterTable({ now: () => Date.now() })

/** The first error of a configuration, with its path; undefined when it is valid. */
export function complaintOf(
  { settings, acceptedSettings = settings }: PluginDefinition,
  config: unknown,
): string | undefined {
  const issue = acceptedSettings.safeParse(config).error?.issues[0]
  return issue && `${issue.path.join('.')}: ${issue.message}`
}

/** An exchange with these headers, as far as plugins see it. */
export function exchangeWith(
  fields: Partial<Omit<RequestHead, 'headers'>>,
  headers: readonly (readonly [string, string])[] = [],
) {
  const list = new HeaderList(headers.flat())
  const { exchange } = openExchange({ ...fields, headers: list })
  exchange.forward = {
    path: exchange.request.path,
    query: exchange.request.query,
    host: undefined,
    headers: new HeaderList([...list.flat]),
  }
  return exchange
}

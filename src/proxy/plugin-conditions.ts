import { parseConditionExpression } from '../entities/route-expression.ts'
import { normalizePath } from '../lib/normalize-path.ts'
import type { ScopedPlugin } from './compile/choose-plugins.ts'
import type { Exchange } from './exchange.ts'
import { compileExpression, type ReadField } from './match/compile-expression.ts'
import { readRequestField } from './match/field-readers.ts'
import { MatchInput } from './match/match-input.ts'

/** Compiles the condition of a plugin; its cost is linear in the length of what it reads. */
export const compileCondition = (text: string): ((exchange: Exchange) => boolean) =>
  compileExpression<Exchange>(parseConditionExpression(text), readerOf)

/** Whether a plugin acts on an exchange. Decided once, when the plugin would act first. */
export function actsOn(plugin: ScopedPlugin, exchange: Exchange): boolean {
  if (plugin.condition === undefined) return true
  const decided = decisions.get(exchange) ?? new Map<ScopedPlugin, boolean>()
  let acts = decided.get(plugin)
  if (acts === undefined) {
    acts = plugin.condition(exchange)
    decisions.set(exchange, decided.set(plugin, acts))
  }
  return acts
}

const decisions = new WeakMap<Exchange, Map<ScopedPlugin, boolean>>()
const inputs = new WeakMap<Exchange, MatchInput>()

function inputOf(exchange: Exchange): MatchInput {
  const known = inputs.get(exchange)
  if (known !== undefined) return known
  const input = new MatchInput(exchange.request, normalizePath(exchange.request.path))
  inputs.set(exchange, input)
  return input
}

const readers: Readonly<Record<string, ReadField<Exchange>>> = {
  'consumer.id': ({ caller }) => caller?.consumer?.id,
  'consumer.username': ({ caller }) => caller?.consumer?.username ?? undefined,
  'consumer.custom_id': ({ caller }) => caller?.consumer?.customId ?? undefined,
  'route.id': ({ routeRef }) => routeRef.route,
  'route.name': ({ routeRef }) => routeRef.route_name || undefined,
  'service.id': ({ routeRef }) => routeRef.service || undefined,
  'service.name': ({ routeRef }) => routeRef.service_name || undefined,
}

function readerOf(field: string): ReadField<Exchange> {
  const reader = readers[field]
  if (reader !== undefined) return reader
  const read = readRequestField(field)
  return (exchange) => read(inputOf(exchange))
}

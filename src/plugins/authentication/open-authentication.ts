import type { Problem } from '../../lib/problem.ts'
import type { Caller, KnownConsumer } from '../../proxy/directory.ts'
import type { Exchange } from '../../proxy/exchange.ts'
import type { PluginTools } from '../../proxy/plugin.ts'

/** Kong's rules for several authentication plugins on one route: without `anonymous`, each must succeed; with it, plugins after a success do nothing, and a failure selects the anonymous consumer. */
export type Authentication = {
  /** Whether an earlier plugin has authenticated the caller and this one need not. */
  isSettled(exchange: Exchange): boolean
  /** `credential` is its id, `identifier` the value that the service receives. */
  accept(exchange: Exchange, accepted: Accepted): void
  /** Continues as the anonymous consumer; throws `refusal` when none is configured. */
  refuse(exchange: Exchange, refusal: Problem): void
}

export type Accepted = {
  readonly consumer: KnownConsumer
  readonly credential: string
  readonly identifier: string
}

export function openAuthentication(
  method: string,
  anonymous: string | null,
  { findConsumer }: Pick<PluginTools, 'findConsumer'>,
): Authentication {
  return {
    isSettled: ({ caller }) =>
      anonymous !== null && caller !== undefined && caller.method !== 'anonymous',
    accept(exchange, { consumer, credential, identifier }) {
      setCaller(exchange, { kind: 'consumer', method, credential, consumer }, identifier)
    },
    refuse(exchange, refusal) {
      const consumer = anonymous === null ? undefined : findConsumer(exchange, anonymous)
      if (consumer === undefined) throw refusal
      const caller: Caller = { kind: 'consumer', method: 'anonymous', credential: '', consumer }
      setCaller(exchange, caller, '')
    },
  }
}

/** Sets Kong's consumer headers for the service. The router has removed headers of these names sent by the client; those of a plugin before are replaced. */
export function setCaller(exchange: Exchange, caller: Caller, identifier: string): void {
  const isFirst = exchange.caller === undefined
  exchange.caller = caller
  const headers = exchange.forward?.headers
  if (headers === undefined) return
  if (!isFirst) for (const name of consumerHeaders) headers.delete(name)
  const { consumer, method } = caller
  if (consumer !== undefined) {
    headers.add('X-Consumer-ID', consumer.id)
    if (consumer.customId !== null) headers.add('X-Consumer-Custom-ID', consumer.customId)
    headers.add('X-Consumer-Username', consumer.name)
  }
  if (method === 'anonymous') headers.add('X-Anonymous-Consumer', 'true')
  else if (identifier !== '') headers.add('X-Credential-Identifier', identifier)
}

const consumerHeaders = [
  'x-consumer-id',
  'x-consumer-custom-id',
  'x-consumer-username',
  'x-anonymous-consumer',
  'x-credential-identifier',
]

/** Secrets that the client presented, which the event must not contain. */
export function addPresentedSecrets(exchange: Exchange, secrets: readonly string[]): void {
  exchange.presentedSecrets = [...(exchange.presentedSecrets ?? []), ...secrets]
}

/** Query parameters whose values the event must not contain. */
export function addSecretParameters(exchange: Exchange, names: readonly string[]): void {
  if (names.length === 0) return
  const { secretParameters: known } = exchange
  exchange.secretParameters = known === undefined ? names : [...known, ...names]
}

/** A value of WWW-Authenticate. */
export const challenge = (scheme: string, realm: string | null): string =>
  realm === null ? scheme : `${scheme} realm="${realm.replaceAll(/["\\\r\n]/g, '')}"`

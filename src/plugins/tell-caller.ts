import type { Caller, Exchange } from '../proxy/exchange.ts'

/** Tells the service who calls, in Kong's fields; whatever the client said under these names was taken away before. */
export function tellCaller({ forward }: Exchange, { consumer, credential, method }: Caller): void {
  if (forward === undefined) return
  const { headers } = forward
  headers.add('X-Consumer-ID', consumer.id)
  if (consumer.customId !== null) headers.add('X-Consumer-Custom-ID', consumer.customId)
  headers.add('X-Consumer-Username', consumer.name)
  if (method === 'anonymous') headers.add('X-Anonymous-Consumer', 'true')
  else headers.add('X-Credential-Identifier', credential)
}

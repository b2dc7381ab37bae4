import type { Caller, KnownConsumer } from '../../proxy/directory.ts'
import type { Exchange } from '../../proxy/exchange.ts'
import type { PluginTools } from '../../proxy/plugin.ts'
import { isRecord } from '../../lib/is-record.ts'
import type { Evidence } from './authenticate.ts'
import { claimAt, nameIn, satisfies, wordsOf, type Claims } from '../../identity/claims.ts'
import type { Forbidden } from './refusals.ts'
import type { Settings } from './settings.ts'

/** The caller, and the reason if it is forbidden. */
export type Identified = { readonly caller: Caller; readonly forbidden: Forbidden | undefined }

/** The same object for the same evidence while no consumer changes. */
export function openIdentification(
  settings: Settings,
  tools: Pick<PluginTools, 'findConsumerBy' | 'hasConsumerGroup'>,
): (exchange: Exchange, evidence: Evidence) => Identified {
  const known = new WeakMap<Evidence, Identified & { readonly directory: unknown }>()
  return (exchange, evidence) => {
    const { directory } = exchange
    const before = known.get(evidence)
    if (before !== undefined && before.directory === directory) return before
    const consumer = findConsumer(exchange, evidence, settings, tools.findConsumerBy)
    const groups = findGroups(exchange, evidence, settings, tools.hasConsumerGroup)
    const caller = withGroups(describeCaller(evidence, consumer, settings), groups)
    const forbidden = unmapped(consumer, groups, settings) ?? unmetRequirement(evidence, settings)
    const found = { caller, forbidden, directory } as const
    known.set(evidence, found)
    return found
  }
}

function unmapped(
  consumer: KnownConsumer | undefined,
  groups: readonly string[] | undefined,
  settings: Settings,
): Forbidden | undefined {
  const isUnmapped = consumer === undefined && settings.consumer_claim !== null
  if (isUnmapped && !settings.consumer_optional) return 'no_consumer'
  const isUngrouped = groups?.length === 0 && !settings.consumer_groups_optional
  return isUngrouped ? 'no_consumer_group' : undefined
}

const withGroups = (caller: Caller, consumerGroups: readonly string[] | undefined): Caller =>
  consumerGroups === undefined
    ? caller
    : { ...caller, scope: { id: caller.consumer?.id ?? '', consumerGroups } }

function findConsumer(
  exchange: Exchange,
  { sources }: Evidence,
  { consumer_claim: claim, consumer_by: fields }: Settings,
  find: PluginTools['findConsumerBy'],
): KnownConsumer | undefined {
  const name = claim === null ? undefined : nameIn(claimAt(sources, claim))
  if (name === undefined) return undefined
  for (const field of fields) {
    const consumer = find(exchange, field, name)
    if (consumer !== undefined) return consumer
  }
  return undefined
}

/** The consumer groups of this workspace that a token names; undefined where the groups of the consumer count. */
function findGroups(
  exchange: Exchange,
  { sources }: Evidence,
  { consumer_groups_claim: claim }: Settings,
  has: PluginTools['hasConsumerGroup'],
): readonly string[] | undefined {
  if (claim === null) return undefined
  const names = wordsOf(claimAt(sources, claim)).filter((name) => has(exchange, name))
  return [...new Set(names)].toSorted()
}

function describeCaller(
  { sources }: Evidence,
  consumer: KnownConsumer | undefined,
  settings: Settings,
): Caller {
  const textAt = (name: string): string => nameIn(claimAt(sources, [name])) ?? ''
  const act = claimAt(sources, ['act'])
  const agent = isRecord(act) ? agentIn(act) : ''
  const groups = settings.authenticated_groups_claim
  return {
    kind: consumer !== undefined ? 'consumer' : agent !== '' ? 'agent' : kindOf(sources),
    method: 'openid-connect',
    credential: nameIn(claimAt(sources, settings.credential_claim)) ?? '',
    consumer,
    identity: {
      subject: textAt('sub'),
      issuer: textAt('iss'),
      scopes: wordsOf(claimAt(sources, settings.scopes_claim)),
      groups: groups === null ? [] : wordsOf(claimAt(sources, groups)),
      agent,
    },
  }
}

/** RFC 8693 section 4.1: the outermost actor is the current one. */
const agentIn = (act: Claims): string => nameIn(act['sub']) ?? nameIn(act['client_id']) ?? ''

/** A token that a client has for itself names the client as its subject, or none (RFC 9068 section 2.2). */
function kindOf(sources: readonly Claims[]): 'user' | 'service-account' {
  const subject = claimAt(sources, ['sub'])
  const client = claimAt(sources, ['client_id']) ?? claimAt(sources, ['azp'])
  const isClient = subject === undefined || subject === client
  return isClient && client !== undefined ? 'service-account' : 'user'
}

/** The first requirement that the claims do not meet. */
function unmetRequirement({ sources }: Evidence, settings: Settings): Forbidden | undefined {
  const requirements = [
    ['scopes', settings.scopes_claim, settings.scopes_required],
    ['audience', settings.audience_claim, settings.audience_required],
    ['groups', settings.groups_claim, settings.groups_required],
    ['roles', settings.roles_claim, settings.roles_required],
  ] as const
  for (const [code, path, required] of requirements)
    if (required !== null && !satisfies(wordsOf(claimAt(sources, path)), required)) return code
  const isForbidden = settings.claims_forbidden?.some(
    (claim) => claimAt(sources, [claim]) !== undefined,
  )
  return isForbidden === true ? 'forbidden_claim' : undefined
}

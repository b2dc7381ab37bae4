import type { RecordWithTtl } from 'node:dns'
import dns from 'node:dns/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { silentLog, type Log } from '../../lib/log.ts'
import { readHosts, readSearch } from './resolver-files.ts'

export type ResolvedAddress = {
  readonly host: string
  /** Addresses of the same machine in the other family (Happy Eyeballs). */
  readonly alternatives: readonly string[]
  /** From an SRV record. */
  readonly service?: { readonly name: string; readonly port: number; readonly weight: number }
}

/** Addresses in a stable order; `ttl` in seconds. */
export type LookupResult = { readonly addresses: readonly ResolvedAddress[]; readonly ttl: number }

/** Rejects with an error that has a code of node:dns. */
export type Lookup = (this: void, name: string) => Promise<LookupResult>

type Records = {
  readonly addresses: readonly string[]
  readonly ttl: number
  readonly failure: Error | undefined
}

/** Milliseconds to wait for AAAA records after A records arrived (RFC 8305 section 3). */
const resolutionDelay = 50

/** Seconds, for answers without a time to live. */
const defaultTtl = 30

/** Order of lookup: the hosts file; SRV, A and AAAA records, also in the search domains; the operating system. */
export function openLookup({
  servers: given,
  log = silentLog,
}: { readonly servers?: dns.Resolver; readonly log?: Log } = {}): Lookup {
  let opened = given
  return async (name) => {
    // At the first lookup, because it is a native object and proofs of changes look nothing up.
    const servers = (opened ??= new dns.Resolver({ timeout: 2_000, tries: 2 }))
    const fixed = readHosts().get(name.toLowerCase().replace(/\.$/, ''))
    if (fixed !== undefined) return { addresses: pair(fixed.v4, fixed.v6), ttl: 5 }
    let failure: unknown
    for (const full of readSearch(name)) {
      try {
        return await findRecords(servers, full, log)
      } catch (error) {
        failure = error
        if (!isMissing(error)) break
      }
    }
    return lookUpBySystem(name, failure)
  }
}

/** Queries SRV and address records concurrently, so that a silent server costs one timeout; SRV records take precedence, as in Kong. */
async function findRecords(servers: dns.Resolver, name: string, log: Log): Promise<LookupResult> {
  const addresses = findAddresses(servers, name, log)
  // Awaited below, unless SRV records take precedence; until then a rejection must not count as unhandled.
  addresses.catch(() => undefined)
  return (await findService(servers, name, log)) ?? addresses
}

/** The SRV targets with the lowest priority number (RFC 2782), as in Kong; undefined without SRV records. */
async function findService(
  servers: dns.Resolver,
  name: string,
  log: Log,
): Promise<LookupResult | undefined> {
  const records = await servers.resolveSrv(name).catch((error: unknown) => {
    if (!isMissing(error))
      log.warn('dns: SRV lookup failed, address records are used', { host: name, error })
    return []
  })
  if (records.length === 0) return undefined
  const first = Math.min(...records.map(({ priority }) => priority))
  const leading = records.filter(({ priority }) => priority === first)
  const found = await Promise.allSettled(
    leading.map(async (record) => ({
      record,
      ...(await findAddresses(servers, record.name, log)),
    })),
  )
  const reached = found.flatMap((one, at) => {
    if (one.status === 'fulfilled') return [one.value]
    const target = leading[at]?.name
    log.warn('dns: lookup of an SRV target failed', { host: name, target, error: one.reason })
    return []
  })
  if (reached.length === 0) return undefined
  const addresses = reached.flatMap(({ addresses, record: { name: target, port, weight } }) =>
    addresses.map((address) => ({
      ...address,
      service: { name: target, port, weight: Math.max(weight, 1) },
    })),
  )
  const ttl = Math.min(defaultTtl, ...reached.map((one) => one.ttl))
  return { addresses: addresses.toSorted(compareAddresses), ttl }
}

/** Queries both families concurrently. */
async function findAddresses(servers: dns.Resolver, name: string, log: Log): Promise<LookupResult> {
  const six = readRecords(servers.resolve6(name, { ttl: true }))
  const four = await readRecords(servers.resolve4(name, { ttl: true }))
  // The failure of both families is thrown below.
  void six.then(({ failure }) => {
    const isReported = four.failure !== undefined
    if (failure !== undefined && !isReported && !isMissing(failure))
      log.warn('dns: AAAA lookup failed, A records are used', { host: name, error: failure })
  })
  const others = await (four.failure === undefined
    ? Promise.race([six, sleep(resolutionDelay, nothing)])
    : six)
  if (four.failure !== undefined && others.failure !== undefined)
    throw isMissing(four.failure) ? others.failure : four.failure
  if (four.failure !== undefined && !isMissing(four.failure))
    log.warn('dns: A lookup failed, AAAA records are used', { host: name, error: four.failure })
  return {
    addresses: pair(four.addresses, others.addresses),
    ttl: Math.min(four.ttl, others.ttl),
  }
}

const nothing: Records = { addresses: [], ttl: Number.POSITIVE_INFINITY, failure: undefined }

async function readRecords(answer: Promise<RecordWithTtl[]>): Promise<Records> {
  try {
    const found = await answer
    const ttl = Math.min(...found.map((record) => record.ttl))
    return { addresses: found.map(({ address }) => address), ttl, failure: undefined }
  } catch (failure) {
    return { ...nothing, failure: failure as Error }
  }
}

/** getaddrinfo, which also uses mDNS, NIS and other sources. */
async function lookUpBySystem(name: string, failure: unknown): Promise<LookupResult> {
  const found = await dns.lookup(name, { all: true }).catch((error: unknown) => {
    throw failure ?? error
  })
  const of = (wanted: number): string[] =>
    found.flatMap(({ address, family }) => (family === wanted ? [address] : []))
  return { addresses: pair(of(4), of(6)), ttl: defaultTtl }
}

/** Pairs each IPv4 address with an IPv6 address as its alternative. */
function pair(four: readonly string[], six: readonly string[]): ResolvedAddress[] {
  const [v4, v6] = [four.toSorted(), six.toSorted()]
  if (v4.length === 0) return v6.map((host) => ({ host, alternatives: [] }))
  return v4.map((host, index) => {
    const other = v6.length === 0 ? undefined : v6[index % v6.length]
    return { host, alternatives: other === undefined ? [] : [other] }
  })
}

const compareAddresses = (a: ResolvedAddress, b: ResolvedAddress): number =>
  `${a.host} ${a.service?.port}` < `${b.host} ${b.service?.port}` ? -1 : 1

function isMissing(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException
  return code === 'ENOTFOUND' || code === 'ENODATA'
}

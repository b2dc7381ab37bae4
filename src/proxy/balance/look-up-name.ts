import type { RecordWithTtl } from 'node:dns'
import dns from 'node:dns/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { silentLog, type Log } from '../../lib/log.ts'
import { readHosts, readSearch } from './name-files.ts'

/** One address that a name leads to. */
export type FoundAddress = {
  readonly host: string
  /** Addresses of the same machine in the other family. */
  readonly alternatives: readonly string[]
  /** Said by an SRV record. */
  readonly service?: { readonly name: string; readonly port: number; readonly weight: number }
}

/** Where a name leads, in a fixed order, and for how many seconds that holds. */
export type Found = { readonly addresses: readonly FoundAddress[]; readonly ttl: number }

/** Finds out where a name leads; rejects with an error whose code is that of node:dns. */
export type Lookup = (this: void, name: string) => Promise<Found>

type Records = {
  readonly addresses: readonly string[]
  readonly ttl: number
  readonly failure: Error | undefined
}

/** After the IPv4 addresses are there, IPv6 is waited for this long (RFC 8305 section 3). */
const resolutionDelay = 50

/** How long an answer holds that says nothing about it, in seconds. */
const unstated = 30

/** What names are looked up with; all but tests leave it at the system's name servers. */
export type LookupTools = { readonly servers?: dns.Resolver; readonly log?: Log }

/** Looks names up in the hosts file, then SRV, A and AAAA records at the name servers, in the search domains too, and last as the operating system does. */
export function openLookup({
  servers = new dns.Resolver({ timeout: 2_000, tries: 2 }),
  log = silentLog,
}: LookupTools = {}): Lookup {
  return async (name) => {
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
    return askSystem(name, failure)
  }
}

/** Both kinds are asked for at a time, so that a silent server costs its time once; what a service record says goes first, as in Kong. */
async function findRecords(servers: dns.Resolver, name: string, log: Log): Promise<Found> {
  const addresses = findAddresses(servers, name)
  // It is awaited below; until then its rejection must not count as unhandled.
  addresses.catch(() => undefined)
  return (await findService(servers, name, log)) ?? addresses
}

/** The targets of a service with the lowest priority number (RFC 2782), as Kong takes them; undefined when there is no such record. */
async function findService(
  servers: dns.Resolver,
  name: string,
  log: Log,
): Promise<Found | undefined> {
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
      ...(await findAddresses(servers, record.name)),
    })),
  )
  const reached = found.flatMap((one) => {
    if (one.status === 'fulfilled') return [one.value]
    log.warn('dns: lookup of an SRV target failed', { host: name, error: one.reason })
    return []
  })
  if (reached.length === 0) return undefined
  const addresses = reached.flatMap(({ addresses, record: { name: target, port, weight } }) =>
    addresses.map((address) => ({
      ...address,
      service: { name: target, port, weight: Math.max(weight, 1) },
    })),
  )
  const ttl = Math.min(unstated, ...reached.map((one) => one.ttl))
  return { addresses: addresses.toSorted(compareAddresses), ttl }
}

/** Both families at a time; whoever has IPv4 addresses does not wait long for the others. */
async function findAddresses(servers: dns.Resolver, name: string): Promise<Found> {
  const six = readRecords(servers.resolve6(name, { ttl: true }))
  const four = await readRecords(servers.resolve4(name, { ttl: true }))
  const others = await (four.failure === undefined
    ? Promise.race([six, sleep(resolutionDelay, nothing)])
    : six)
  if (four.failure !== undefined && others.failure !== undefined)
    throw isMissing(four.failure) ? others.failure : four.failure
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

/** What name servers do not know may still be known to the operating system: mDNS, NIS and others. */
async function askSystem(name: string, failure: unknown): Promise<Found> {
  const found = await dns.lookup(name, { all: true }).catch((error: unknown) => {
    throw failure ?? error
  })
  const of = (wanted: number): string[] =>
    found.flatMap(({ address, family }) => (family === wanted ? [address] : []))
  return { addresses: pair(of(4), of(6)), ttl: unstated }
}

/** Addresses of both families as machines with two each, as far as they go round. */
function pair(four: readonly string[], six: readonly string[]): FoundAddress[] {
  const [v4, v6] = [four.toSorted(), six.toSorted()]
  if (v4.length === 0) return v6.map((host) => ({ host, alternatives: [] }))
  return v4.map((host, index) => {
    const other = v6.length === 0 ? undefined : v6[index % v6.length]
    return { host, alternatives: other === undefined ? [] : [other] }
  })
}

const compareAddresses = (a: FoundAddress, b: FoundAddress): number =>
  `${a.host} ${a.service?.port}` < `${b.host} ${b.service?.port}` ? -1 : 1

function isMissing(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException
  return code === 'ENOTFOUND' || code === 'ENODATA'
}

import { Readable } from 'node:stream'
import { HeaderList } from '../proxy/header-list.ts'
import type { TrafficGroup } from './traffic-group.ts'

/** Counts accesses to parts of a request that are not recorded. */
export type AccessCounter = { unrecorded: number }

/** Stands for any client address. */
export const anyAddress = '0.0.0.0'

/** Request headers, of which only the host is recorded. */
export class RecordedHeaders extends HeaderList {
  readonly #accesses: AccessCounter

  constructor(host: string, accesses: AccessCounter) {
    super(['host', host])
    this.#accesses = accesses
  }

  override get(name: string): string | undefined {
    if (name !== 'host') this.#accesses.unrecorded += 1
    return super.get(name)
  }

  override all(name: string): string[] {
    if (name !== 'host') this.#accesses.unrecorded += 1
    return super.all(name)
  }
}

/** Headers that satisfy the conditions of every route, except those with regular expressions. */
export function everyHeader(
  host: string,
  routes: readonly { readonly headers: Readonly<Record<string, readonly string[]>> | null }[],
): HeaderList {
  const pairs = new Map<string, readonly [string, string]>()
  for (const { headers } of routes) {
    for (const [name, values] of Object.entries(headers ?? {})) {
      for (const value of values) pairs.set(`${name}:${value}`, [name.toLowerCase(), value])
    }
  }
  return new HeaderList(['host', host, ...[...pairs.values()].flat()])
}

/** A request with the recorded properties; its query values are not recorded. */
export class RecordedRequest {
  readonly method: string
  readonly scheme: 'http' | 'https'
  readonly host: string
  readonly port: number
  readonly path: string
  readonly headers: HeaderList
  readonly tlsVersion = ''
  readonly upgrade = ''
  readonly serverName: string
  readonly #address: string
  readonly #accesses: AccessCounter

  constructor(
    group: TrafficGroup,
    headers: HeaderList,
    accesses: AccessCounter,
    address = anyAddress,
  ) {
    this.method = group.method
    this.scheme = group.scheme
    this.host = group.host
    this.port = group.scheme === 'https' ? 443 : 80
    this.path = group.path
    this.headers = headers
    this.#address = address
    this.serverName = group.host
    this.#accesses = accesses
  }

  get clientAddress(): string {
    return this.#address
  }

  get query(): string {
    this.#accesses.unrecorded += 1
    return ''
  }
}

/** The request as a router sees it: expressions can read the ends of its connection, which are not recorded. */
export class RoutedRequest extends RecordedRequest {
  readonly #accesses: AccessCounter

  constructor(group: TrafficGroup, headers: HeaderList, accesses: AccessCounter) {
    super(group, headers, accesses)
    this.#accesses = accesses
  }

  override get clientAddress(): string {
    this.#accesses.unrecorded += 1
    return super.clientAddress
  }

  get connection(): undefined {
    this.#accesses.unrecorded += 1
    return undefined
  }
}

/** A body that may or may not have been sent. */
export class RecordedBody {
  readonly length = 0
  readonly received = 0
  readonly isWhole = true
  readonly replayable = false
  readonly #accesses: AccessCounter

  constructor(accesses: AccessCounter) {
    this.#accesses = accesses
  }

  get present(): boolean {
    this.#accesses.unrecorded += 1
    return false
  }

  open(): Readable {
    return Readable.from([])
  }

  readAhead(): undefined {
    return undefined
  }
}

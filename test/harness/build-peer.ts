import type { Choice } from '../../src/proxy/balance/balancer.ts'
import { freshState, type Peer } from '../../src/proxy/balance/peer.ts'
import { Exchange, type RequestHead } from '../../src/proxy/exchange.ts'
import { HeaderList } from '../../src/proxy/header-list.ts'

/** A peer as a test wants it; what it does not say is usual. */
export function peerOf(words: Partial<Peer> & { key: string }): Peer {
  return {
    host: '192.0.2.1',
    port: 80,
    alternatives: [],
    target: words.key,
    name: words.key,
    weight: 100,
    failover: false,
    state: freshState(),
    ...words,
  }
}

/** All of `peers` may be asked. */
export const choiceOf = (peers: readonly Peer[], draining: readonly Peer[] = []): Choice => ({
  all: peers,
  open: peers,
  draining,
})

/** An exchange that just arrived, with a head as a test wants it. */
export function exchangeOf(words: Partial<RequestHead> = {}): Exchange {
  const head: RequestHead = {
    method: 'GET',
    scheme: 'http',
    host: 'h.example',
    port: 80,
    path: '/',
    query: '',
    headers: new HeaderList(),
    clientAddress: '198.51.100.1',
    tlsVersion: '',
    upgrade: '',
    ...words,
  }
  return new Exchange(1, head, {} as Exchange['body'], {} as Exchange['reply'])
}

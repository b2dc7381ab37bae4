import type { Balancer } from './balancer.ts'
import { readCookie, sessionCookie } from './cookies.ts'
import { tokenOf, type Peer } from './peer.ts'
import { nextInTurn } from './round-robin.ts'

/** Keeps a client where its cookie says, also while that peer is drained (weight 0); others take turns and are given the cookie. */
export function openStickySessions(cookie: string, path: string): Balancer {
  const tokens = new WeakMap<Peer, string>()
  const token = (peer: Peer): string => {
    let known = tokens.get(peer)
    if (known === undefined) tokens.set(peer, (known = tokenOf(peer)))
    return known
  }
  return {
    pick({ open, draining }, exchange) {
      const given = readCookie(exchange.request.headers, cookie)
      const isHome = (peer: Peer): boolean => token(peer) === given
      const home = given === undefined ? undefined : (open.find(isHome) ?? draining.find(isHome))
      const peer = home ?? nextInTurn(open)
      exchange.upstream.cookie =
        peer === undefined || peer === home ? '' : sessionCookie(cookie, token(peer), path)
      return peer
    },
  }
}

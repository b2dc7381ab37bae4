import type { Socket } from 'node:net'
import type { ClientLink } from '../exchange.ts'

export type ConnectionLimit = {
  /** Whether a new connection may stay. At the limit a silent or the longest idle connection is closed for it. */
  admit(socket: Socket): boolean
  begin(link: ClientLink): void
  end(link: ClientLink): void
  readonly open: number
  /** Connections and their exchanges since the start. */
  readonly accepted: number
  readonly requests: number
}

export type ConnectionLimitOptions = {
  readonly max: number
  /** Closes a connection that has not sent anything; false when there is none. */
  readonly closeSilent: () => boolean
}

/** Milliseconds without an exchange after which a connection is idle. */
const minIdle = 1_000
/** Minimum interval between two scans of all connections for idle ones. */
const lookMilliseconds = 100

export function limitConnections({ max, closeSilent }: ConnectionLimitOptions): ConnectionLimit {
  const links = new Set<ClientLink>()
  let idle: ClientLink[] = []
  let lookedAt = Number.NEGATIVE_INFINITY
  let open = 0
  let accepted = 0
  let requests = 0

  const isIdle = ({ socket, exchanges, idleSince }: ClientLink, now: number): boolean =>
    exchanges === 0 && !socket.destroyed && now - idleSince > minIdle

  const closeIdlest = (): boolean => {
    const now = performance.now()
    if (idle.length === 0 && now - lookedAt > lookMilliseconds) {
      lookedAt = now
      idle = [...links]
        .filter((link) => isIdle(link, now))
        .toSorted((one, other) => other.idleSince - one.idleSince)
    }
    for (let link = idle.pop(); link !== undefined; link = idle.pop()) {
      if (!isIdle(link, now)) continue
      link.socket.destroy()
      return true
    }
    return false
  }

  return {
    admit(socket) {
      if (open >= max && !closeSilent() && !closeIdlest()) return false
      open += 1
      accepted += 1
      socket.once('close', () => (open -= 1))
      return true
    },
    begin(link) {
      if (link.idleSince === 0 && link.exchanges === 0) {
        links.add(link)
        link.socket.once('close', () => links.delete(link))
      }
      link.exchanges += 1
      requests += 1
    },
    end(link) {
      link.exchanges -= 1
      link.idleSince = performance.now()
    },
    get requests() {
      return requests
    },
    get accepted() {
      return accepted
    },
    get open() {
      return open
    },
  }
}

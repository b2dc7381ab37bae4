import type { Socket } from 'node:net'
import type { ClientLink } from '../exchange.ts'

/** Keeps the number of open connections within a limit. */
export type ConnectionLimit = {
  /** Whether a connection that was just accepted may stay. At the limit one that is idle has to go for it, the one that is idle longest. */
  admit(socket: Socket): boolean
  /** A request of the connection begins. */
  begin(link: ClientLink): void
  /** A request of it is over. */
  end(link: ClientLink): void
  readonly open: number
}

/** What is limited, and how room is made before anybody who once asked for something has to go. */
export type ConnectionLimitOptions = {
  readonly max: number
  /** Closes a connection that has said nothing yet; false when there is none. */
  readonly closeSilent: () => boolean
}

/** Below this, in milliseconds, a connection only draws breath between two requests. */
const minIdle = 1_000
/** Looking for idle ones costs a look at all; under a flood it is done this often at most. */
const lookMilliseconds = 100

/** Limits the connections of all fronts together. */
export function limitConnections({ max, closeSilent }: ConnectionLimitOptions): ConnectionLimit {
  const links = new Set<ClientLink>()
  let idle: ClientLink[] = []
  let lookedAt = Number.NEGATIVE_INFINITY
  let open = 0

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
      socket.once('close', () => (open -= 1))
      return true
    },
    begin(link) {
      if (link.idleSince === 0 && link.exchanges === 0) {
        links.add(link)
        link.socket.once('close', () => links.delete(link))
      }
      link.exchanges += 1
    },
    end(link) {
      link.exchanges -= 1
      link.idleSince = performance.now()
    },
    get open() {
      return open
    },
  }
}

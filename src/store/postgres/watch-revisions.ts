import pg from 'pg'
import { openBackoff } from '../../lib/backoff.ts'

/** The channel of NOTIFY after a commit. */
export const channel = 'weir_revisions'

/** Calls back on every notification, after every reconnect, and every five seconds in case a notification was lost. */
export function watchRevisions(options: pg.ClientConfig, listener: () => void): () => void {
  const backoff = openBackoff(50, 5_000)
  let client: pg.Client | undefined
  let again: NodeJS.Timeout | undefined
  let stopped = false

  const listen = async (): Promise<void> => {
    const fresh = new pg.Client(options)
    client = fresh
    fresh.on('notification', listener)
    fresh.once('error', retry)
    fresh.once('end', retry)
    await fresh.connect()
    await fresh.query(`listen ${channel}`)
    backoff.reset()
    listener()
  }
  const retry = (): void => {
    if (stopped || client === undefined) return
    end(client)
    client = undefined
    again = setTimeout(() => void listen().catch(retry), backoff.next())
  }

  void listen().catch(retry)
  const pulse = setInterval(listener, 5_000)
  return () => {
    stopped = true
    clearInterval(pulse)
    clearTimeout(again)
    if (client !== undefined) end(client)
  }
}

/** Ends a connection in any state. */
function end(client: pg.Client): void {
  client.removeAllListeners()
  // Nothing waits for it any more, and the caller reported the reason.
  client.on('error', () => undefined)
  void client.end().catch(() => undefined)
}

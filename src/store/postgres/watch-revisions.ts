import pg from 'pg'
import { openBackoff } from '../../lib/backoff.ts'

/** The channel on which a commit is announced. */
export const channel = 'weir_revisions'

/** Calls back when another process announces a revision, after every time in which it could not be heard, and every few seconds whatever is heard. */
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

/** Lets a connection go, also one that is broken or not yet made. */
function end(client: pg.Client): void {
  client.removeAllListeners()
  client.on('error', () => undefined)
  void client.end().catch(() => undefined)
}

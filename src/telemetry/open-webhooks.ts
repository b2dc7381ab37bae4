import { createHmac } from 'node:crypto'
import { openBackoff } from '../lib/backoff.ts'
import type { Clock } from '../lib/clock.ts'
import type { Egress } from '../lib/egress.ts'
import { uuidv7 } from '../lib/ids.ts'
import type { Log } from '../lib/log.ts'
import { requestGuarded } from '../lib/request-guarded.ts'
import type { ColumnBlock } from '../schema/column-block.ts'

/** A receiver of notifications about new requests. */
export type WebhookSettings = {
  /** Name of a workspace, or `*` for all. */
  readonly workspace: string
  readonly url: string
}

export type WebhookState = {
  readonly workspace: string
  /** Without user, password and query. */
  readonly url: string
  /** The time up to which the receiver knows of requests. */
  readonly sent_until: string | null
  /** Whether a notification waits. */
  readonly pending: boolean
  /** Attempts since the last success. */
  readonly failures: number
  readonly last_error: string | null
}

/** Tells receivers that requests were stored, and up to when they are complete. */
export type Webhooks = {
  /** Call when a block of requests is stored. */
  noteStored(this: void, block: ColumnBlock): void
  state(this: void): readonly WebhookState[]
  stop(this: void): Promise<void>
}

export type WebhookOptions = {
  readonly list: readonly WebhookSettings[]
  /** Signs notifications; with the prefix `whsec_` it is Base64. */
  readonly secret: string
  /** The time in milliseconds before which all requests are stored; undefined when it is unknown. */
  readonly completeUntil: () => number | undefined
  readonly egress: Egress
  readonly clock: Clock
  readonly log: Log
  /** Milliseconds between two notifications of a receiver at least. */
  readonly interval?: number
}

const timeout = 10_000

export function openWebhooks(options: WebhookOptions): Webhooks {
  const { list, interval = 5_000 } = options
  const receivers = list.map((settings) => openReceiver(settings, options))
  const timers = receivers.map(({ send }) => setInterval(() => void send(), interval).unref())
  return {
    noteStored({ texts, columns }) {
      const names = columns.get('workspace_name')
      if (receivers.length === 0 || names?.kind !== 'text') return
      const workspaces = [...new Set(names.indexes)].map((index) => texts[index] ?? '')
      const end = latestEnd(columns)
      for (const { note } of receivers) note(workspaces, end)
    },
    state: () => receivers.map(({ state }) => state()),
    async stop() {
      timers.forEach(clearInterval)
      await Promise.all(receivers.map(({ stop }) => stop()))
    },
  }
}

/** When the last of the requests was answered, in milliseconds by the clock of its node. */
function latestEnd(columns: ColumnBlock['columns']): number {
  const [times, durations] = [columns.get('time'), columns.get('duration_us')]
  if (times?.kind !== 'number') return 0
  let end = 0
  for (let row = 0; row < times.values.length; row += 1) {
    const duration = durations?.kind === 'number' ? (durations.values[row] ?? 0) : 0
    end = Math.max(end, (times.values[row] as number) + duration)
  }
  return end / 1000
}

/** Only the newest state is sent, so at most one notification waits. */
function openReceiver({ workspace, url }: WebhookSettings, options: WebhookOptions) {
  const { completeUntil, clock, log } = options
  const backoff = openBackoff(1_000, 60_000)
  /** Workspaces with requests that the receiver does not know of, and when the last of them was answered. */
  // An earlier process may have stored some.
  const unknown = new Map([[workspace === '*' ? '' : workspace, 0]])
  let sentUntil: number | undefined
  let [failures, retryAt] = [0, 0]
  let lastError: string | undefined
  let sending: Promise<void> | undefined

  const attempt = async (until: number): Promise<void> => {
    const workspaces = [...unknown.keys()].filter((name) => name !== '').toSorted()
    const data = { workspaces, until: new Date(until).toISOString() }
    try {
      await post(url, { type: 'requests.stored', data }, options)
      sentUntil = until
      // Requests that were answered after `until` are in the next notification.
      for (const [name, end] of unknown) if (end < until) unknown.delete(name)
      if (failures > 0) log.info('webhooks: receiver reachable again', { url: shown(url) })
      ;[failures, retryAt, lastError] = [0, 0, undefined]
      backoff.reset()
    } catch (error) {
      failures += 1
      retryAt = clock.now() + backoff.next()
      lastError = error instanceof Error ? error.message : String(error)
      if (failures === 1)
        log.warn('webhooks: notification failed, retrying', { url: shown(url), error })
    }
  }
  return {
    note(this: void, workspaces: readonly string[], end: number): void {
      for (const name of workspaces)
        if (name === workspace || workspace === '*')
          unknown.set(name, Math.max(end, unknown.get(name) ?? 0))
    },
    send(this: void): Promise<void> {
      const until = completeUntil()
      const isDue = unknown.size > 0 && until !== undefined && until > (sentUntil ?? 0)
      if (!isDue || clock.now() < retryAt) return sending ?? Promise.resolve()
      return (sending ??= attempt(until).finally(() => (sending = undefined)))
    },
    state: (): WebhookState => ({
      workspace,
      url: shown(url),
      sent_until: sentUntil === undefined ? null : new Date(sentUntil).toISOString(),
      pending: unknown.size > 0,
      failures,
      last_error: lastError ?? null,
    }),
    stop: async (): Promise<void> => await sending,
  }
}

/** Signs and sends a notification as https://www.standardwebhooks.com describes. */
async function post(
  url: string,
  message: { readonly type: string; readonly data: unknown },
  { secret, egress, clock }: WebhookOptions,
): Promise<void> {
  const now = clock.now()
  const body = JSON.stringify({ ...message, timestamp: new Date(now).toISOString() })
  const [id, seconds] = [`msg_${uuidv7(now)}`, String(Math.floor(now / 1000))]
  const key = secret.startsWith('whsec_') ? Buffer.from(secret.slice(6), 'base64') : secret
  const signature = createHmac('sha256', key).update(`${id}.${seconds}.${body}`).digest('base64')
  const { status } = await requestGuarded({
    url,
    headers: {
      'Content-Type': 'application/json',
      'Webhook-Id': id,
      'Webhook-Timestamp': seconds,
      'Webhook-Signature': `v1,${signature}`,
    },
    body: Buffer.from(body),
    egress,
    milliseconds: timeout,
    limit: 1_000,
  })
  if (status < 200 || status > 299) throw new Error(`the receiver answered ${status}`)
}

function shown(url: string): string {
  const { origin, pathname } = new URL(url)
  return `${origin}${pathname}`
}

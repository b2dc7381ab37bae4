import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { expect, onTestFinished, test } from 'vitest'
import { silentLog } from '../../src/lib/log.ts'
import type { ColumnBlock } from '../../src/schema/column-block.ts'
import { openWebhooks, type WebhookSettings } from '../../src/telemetry/open-webhooks.ts'
import { until } from '../harness/until.ts'

const secret = 'a-secret-of-the-receiver'
const start = Date.parse('2026-11-20T10:00:00Z')

type Received = { readonly headers: IncomingHttpHeaders; readonly text: string }

async function open(list: (url: string) => readonly WebhookSettings[]) {
  const received: Received[] = []
  const state = { status: 204, until: undefined as number | undefined, isAllowed: true }
  const server = createServer((request, response) => {
    void buffer(request).then((body) => {
      received.push({ headers: request.headers, text: body.toString() })
      response.writeHead(state.status).end()
    })
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook?key=secret`
  let now = start
  const webhooks = openWebhooks({
    list: list(url),
    secret,
    completeUntil: () => state.until,
    egress: { refusalOf: () => (state.isAllowed ? undefined : 'test') },
    // Retries are due at the next attempt.
    clock: { now: () => (now += 60_000) },
    log: silentLog,
    interval: 5,
  })
  onTestFinished(async () => {
    await webhooks.stop()
    server.closeAllConnections()
    server.close()
  })
  const sent = () =>
    received.map(({ text }) => JSON.parse(text).data as { workspaces: string[]; until: string })
  return { webhooks, received, state, sent }
}

/** Requests of workspaces, answered at the given second. */
function blockOf(workspaces: readonly string[], second: number): ColumnBlock {
  const rows = workspaces.length
  return {
    rows,
    texts: ['', ...workspaces],
    columns: new Map([
      [
        'workspace_name',
        { kind: 'text', indexes: Uint32Array.from(workspaces, (_, at) => at + 1) },
      ],
      [
        'time',
        {
          kind: 'number',
          values: new Float64Array(rows).fill((start + second * 1000 - 500) * 1000),
        },
      ],
      ['duration_us', { kind: 'number', values: new Float64Array(rows).fill(500_000) }],
    ]),
  }
}
const at = (second: number): string => new Date(start + second * 1000).toISOString()

test('notifies of requests once they are complete, and no more after that', async () => {
  const { webhooks, state, sent } = await open((url) => [{ workspace: 'a', url }])
  // An earlier process may have stored requests.
  state.until = start + 1_000
  await until('the first notification', () => sent().length === 1)
  expect(sent()).toEqual([{ workspaces: ['a'], until: at(1) }])
  webhooks.noteStored(blockOf(['b'], 3))
  webhooks.noteStored(blockOf(['a', 'b'], 5))
  // The last request is not among those that are complete.
  state.until = start + 5_000
  await until('a part to be known', () => sent().length === 2)
  expect(webhooks.state()).toMatchObject([{ sent_until: at(5), pending: true }])
  state.until = start + 6_000
  await until('all to be known', () => webhooks.state()[0]?.pending === false)
  state.until = start + 60_000
  webhooks.noteStored(blockOf(['b'], 50))
  await webhooks.stop()
  expect(sent().slice(1)).toEqual(
    [5, 6].map((second) => ({ workspaces: ['a'], until: at(second) })),
  )
})

test('signs notifications, so that the receiver can verify them', async () => {
  const { received, state } = await open((url) => [{ workspace: '*', url }])
  state.until = start
  await until('a notification', () => received.length === 1)
  const { headers, text } = received[0] as Received
  const signed = `${String(headers['webhook-id'])}.${String(headers['webhook-timestamp'])}.${text}`
  const expected = createHmac('sha256', secret).update(signed).digest('base64')
  expect(headers['webhook-signature']).toBe(`v1,${expected}`)
  expect(JSON.parse(text)).toMatchObject({ type: 'requests.stored', data: { workspaces: [] } })
})

test('a receiver that fails gets the newest state when it is back, and others do not wait', async () => {
  const { webhooks, state, sent, received } = await open((url) => [
    { workspace: 'a', url },
    { workspace: '*', url: url.replace('127.0.0.1', '127.0.0.2').replace(/:\d+/, ':1') },
  ])
  state.status = 500
  for (let second = 1; second <= 50; second += 1) {
    webhooks.noteStored(blockOf(['a'], second))
    state.until = start + second * 1000 + 1
  }
  await until('two attempts', () => received.length > 1)
  const [failing, unreachable] = webhooks.state()
  expect(failing).toMatchObject({ pending: true, last_error: 'the receiver answered 500' })
  expect(failing?.url).not.toContain('secret')
  await until('the other to have failed', () => (webhooks.state()[1]?.failures ?? 0) > 0)
  expect(unreachable?.sent_until).toBe(null)
  state.status = 200
  await until('all to be known', () => webhooks.state()[0]?.pending === false)
  expect(sent().at(-1)).toEqual({
    workspaces: ['a'],
    until: new Date(start + 50_001).toISOString(),
  })
  expect(webhooks.state()[0]).toMatchObject({ failures: 0, last_error: null })
})

test('connects to no address that the rules of the operator deny', async () => {
  const { webhooks, state, received } = await open((url) => [{ workspace: 'a', url }])
  state.isAllowed = false
  state.until = start
  await until('an attempt', () => (webhooks.state()[0]?.failures ?? 0) > 0)
  expect(received).toEqual([])
})

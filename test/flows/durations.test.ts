import type { ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { expect, test } from 'vitest'
import { definePlugin } from '../../src/proxy/plugin.ts'
import type { Event } from '../../src/schema/event.ts'
import { openGateway } from '../harness/open-gateway.ts'
import { startUpstream } from '../harness/start-upstream.ts'
import { until } from '../harness/until.ts'

/** A gate: reports when a step reached it, and blocks it until the test opens it. */
function openGate() {
  const gate = { arrived: Promise.withResolvers<void>(), opened: Promise.withResolvers<void>() }
  return {
    wait() {
      gate.arrived.resolve()
      return gate.opened.promise
    },
    /** Opens the gate after a delay, and returns the delay in microseconds. */
    async hold(): Promise<number> {
      await gate.arrived.promise
      const from = performance.now()
      await sleep(30)
      const held = performance.now() - from
      gate.opened.resolve()
      return Math.floor(held * 1000)
    },
  }
}

/** Delays one exchange in a plugin, then before its response, then within it. */
async function heldExchange() {
  const [inPlugin, beforeHead, inBody] = [openGate(), openGate(), openGate()]
  const waiting = definePlugin({
    name: 'waiting',
    about: '',
    settings: z.object({}),
    prepare: () => ({ onRequest: () => inPlugin.wait() }),
  })
  const upstream = await startUpstream(async (_request, response: ServerResponse) => {
    await beforeHead.wait()
    response.write('one ')
    await inBody.wait()
    response.end('two')
  })
  const gateway = await openGateway(
    {
      services: [{ name: 'api', host: '127.0.0.1', port: upstream.port }],
      routes: [{ paths: ['/'], service: 'api' }],
      plugins: [{ name: 'waiting' }],
    },
    { catalog: [waiting] },
  )
  const answering = gateway.ask('/')
  const plugin = await inPlugin.hold()
  const head = await beforeHead.hold()
  const { headers, body } = await answering
  const reading = new Response(body).text()
  const rest = await inBody.hold()
  expect(await reading).toBe('one two')
  await until('it is recorded', () => gateway.events.length === 1)
  return { held: { plugin, head, rest }, headers, event: gateway.events[0] as Event }
}

test('an event splits its duration into gateway, service and answer', async () => {
  const { held, event } = await heldExchange()
  expect(event.gateway_us).toBeGreaterThanOrEqual(held.plugin)
  expect(event.upstream_us).toBeGreaterThanOrEqual(held.head)
  expect(event.receive_us).toBeGreaterThanOrEqual(held.rest)
  expect(event.gateway_us + event.upstream_us + event.receive_us).toBe(event.duration_us)
})

test('X-Kong-Proxy-Latency ends and X-Kong-Upstream-Latency starts with the upstream request', async () => {
  const { held, headers, event } = await heldExchange()
  const [proxy, upstream] = ['x-kong-proxy-latency', 'x-kong-upstream-latency'].map((name) =>
    Number(headers.get(name)),
  ) as [number, number]
  expect(proxy).toBeGreaterThanOrEqual(Math.floor(held.plugin / 1000))
  expect(upstream).toBe(Math.round(event.upstream_us / 1000))
  expect(proxy).toBeLessThanOrEqual(Math.ceil(event.gateway_us / 1000))
})

test('an exchange without an upstream request has no upstream time', async () => {
  const gateway = await openGateway({ services: [], routes: [] })
  await gateway.ask('/')
  const [event] = gateway.events
  expect(event).toMatchObject({ upstream_us: 0, receive_us: 0 })
  expect(event?.gateway_us).toBe(event?.duration_us)
  expect(event?.duration_us).toBeGreaterThan(0)
})

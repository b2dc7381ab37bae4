import { once } from 'node:events'
import http2 from 'node:http2'
import { expect, test } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { openGateway } from '../harness/open-gateway.ts'
import { startUpstream } from '../harness/start-upstream.ts'

test('hides the sessions of the Manager from services and keeps services from setting them, over HTTP/1.1, HTTP/2 and in a WebSocket handshake', async () => {
  const received: unknown[] = []
  const upstream = await startUpstream((request, response) => {
    received.push(request.headers.cookie)
    response.setHeader('set-cookie', [
      'weir_session=forged; Path=/',
      '__Host-Weir_Session=forged; Secure; Path=/',
      'own=1; Path=/',
    ])
    response.end()
  })
  const sockets = new WebSocketServer({ server: upstream.server })
  sockets.on('connection', (_socket, { headers }) => received.push(headers.cookie))
  const gateway = await openGateway({
    services: [{ name: 'orders', host: '127.0.0.1', port: upstream.port }],
    routes: [{ paths: ['/'], service: 'orders' }],
  })
  const cookie = 'a=1; weir_session=secret; b=weir_session;__Host-weir_session=secret'
  const answer = await gateway.ask('/', { headers: { cookie } })
  expect(answer.headers.getSetCookie()).toEqual(['own=1; Path=/'])
  await gateway.ask('/', { headers: { cookie: 'weir_session=secret' } })
  const socket = new WebSocket(`ws://127.0.0.1:${gateway.port}/`, { headers: { cookie } })
  await once(socket, 'open')
  socket.close()
  const session = http2.connect(gateway.url)
  const stream = session.request({ ':path': '/', cookie: ['weir_session=secret', 'c=1'] as never })
  const [head] = (await once(stream, 'response')) as [http2.IncomingHttpHeaders]
  session.destroy()
  expect(head['set-cookie']).toEqual(['own=1; Path=/'])
  expect(received).toEqual(['a=1; b=weir_session', undefined, 'a=1; b=weir_session', 'c=1'])
})

import { expect, test } from 'vitest'
import { catalog } from '../../src/plugins/catalog.ts'
import { openGateway } from '../harness/open-gateway.ts'
import { startUpstream } from '../harness/start-upstream.ts'
import { openTestAdmin } from './admin-harness.ts'

test('a plugin acts only on requests for which its condition holds, in every phase', async () => {
  const { port } = await startUpstream()
  const gateway = await openGateway({
    services: [{ name: 'one', host: '127.0.0.1', port }],
    routes: ['open', 'people'].map((name) => ({ name, paths: [`/${name}`], service: 'one' })),
    consumers: { ann: { keys: ['key-of-ann'] }, ben: { keys: ['key-of-ben'] } },
    plugins: [
      { name: 'key-auth', condition: 'route.name == "people"' },
      {
        name: 'request-termination',
        condition: 'consumer.username == "ben" || http.headers.x_stop == "1"',
      },
      {
        name: 'response-transformer',
        config: { add: { headers: ['X-Seen:1'] } },
        condition: 'http.path ^= "/open/" && http.queries.page == "1" && http.method != "HEAD"',
      },
      {
        name: 'recording-privacy',
        config: { user_agent: 'remove' },
        condition: '!(service.name == "one")',
      },
    ],
  })
  const ask = async (path: string, headers = {}) => {
    const response = await gateway.ask(path, { headers })
    await response.arrayBuffer()
    return [response.status, response.headers.get('x-seen')]
  }
  expect(await ask('/open/a?page=1')).toEqual([200, '1'])
  expect(await ask('/open/a?page=2')).toEqual([200, null])
  expect(await ask('/open/../people/?page=1')).toEqual([401, null])
  expect(await ask('/people/a?page=1')).toEqual([401, null])
  expect(await ask('/people/a', { apikey: 'key-of-ann' })).toEqual([200, null])
  expect(await ask('/people/a', { apikey: 'key-of-ben' })).toEqual([503, null])
  // Decided before the answer, although its consumer is not known.
  expect(await ask('/open/a?page=1', { 'x-stop': '1' })).toEqual([503, '1'])
  expect(gateway.events.at(-1)?.user_agent).toBe('node')
})

test('the Admin API keeps a condition, and refuses one that is wrong with its position', async () => {
  const { ask } = await openTestAdmin({ catalog })
  const condition = 'http.method == "POST" && consumer.custom_id ^= "a"'
  const { body } = await ask('POST', '/plugins', { name: 'cors', condition })
  expect((await ask('GET', `/plugins/${body.id}`)).body.condition).toBe(condition)
  expect((await ask('PATCH', `/plugins/${body.id}`, { condition: null })).body.condition).toBeNull()
  for (const [wrong, complaint] of [
    ['http.method ==', /expected/],
    ['http.status == 200', /http\.status/],
    ['kong.ctx.shared.a == "1"', /kong\.ctx\.shared\.a/],
    ['http.path == 1', /http\.path|int/],
    [`http.path ~ r#"(a+)+\\1"#`, /./],
    ['('.repeat(200), /./],
    ['', /./],
  ] as const) {
    const refused = await ask('POST', '/plugins', {
      name: 'acl',
      condition: wrong,
      config: { allow: ['a'] },
    })
    expect([wrong.slice(0, 40), refused.status]).toEqual([wrong.slice(0, 40), 400])
    expect(refused.body.fields.condition).toMatch(complaint)
  }
})

test('only plugins that act on streams take their protocols', async () => {
  const { ask } = await openTestAdmin({ catalog })
  const protocols = ['tcp', 'tls', 'tls_passthrough', 'udp', 'http']
  const restriction = { name: 'ip-restriction', config: { deny: ['192.0.2.1'] }, protocols }
  expect((await ask('POST', '/plugins', restriction)).status).toBe(201)
  const refused = await ask('POST', '/plugins', { name: 'cors', protocols })
  expect([refused.status, refused.body.fields]).toEqual([
    400,
    { protocols: 'expected one of: grpc, grpcs, http, https, ws, wss' },
  ])
})

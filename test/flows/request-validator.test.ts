import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { requestValidator } from '../../src/plugins/request-validator.ts'
import { openSchemaCompiler } from '../../src/plugins/request-validator/compile-schema.ts'
import { excessOf } from '../harness/hostile-texts.ts'
import { openGateway } from '../harness/open-gateway.ts'

/** A gateway with the plugin, in front of a service that echoes requests. */
async function open(config: Record<string, unknown>, paths = ['/']) {
  const server = createServer((request, response) => request.pipe(response))
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  onTestFinished(() => void server.close())
  const { port } = server.address() as AddressInfo
  const gateway = await openGateway({
    services: [{ name: 'echo', host: '127.0.0.1', port }],
    routes: [{ name: 'all', service: 'echo', paths, strip_path: false }],
    plugins: [{ name: 'request-validator', config }],
  })
  const send = async (path: string, init: RequestInit = {}) => {
    const response = await gateway.ask(path, init)
    const text = await response.text()
    return { status: response.status, text }
  }
  const post = (body: string, type = 'application/json') =>
    send('/', { method: 'POST', body, headers: { 'content-type': type } })
  return { send, post, events: gateway.events }
}

const order = JSON.stringify({
  type: 'object',
  required: ['item'],
  properties: {
    item: { type: 'string', pattern: '^[a-z]+$' },
    count: { type: 'integer', minimum: 1 },
  },
})

test('forwards a valid body unchanged and rejects an invalid one', async () => {
  const { post, events } = await open({ body_schema: order, version: 'draft7' })
  const body = JSON.stringify({ item: 'pen', count: 2, note: 'x'.repeat(30_000) })
  expect(await post(body)).toEqual({ status: 200, text: body })
  const refused = await post('{"item":"PEN"}')
  expect(refused).toMatchObject({ status: 400 })
  expect(JSON.parse(refused.text).message).toBe(`request body doesn't conform to schema`)
  expect(events.at(-1)).toMatchObject({
    outcome: 'denied',
    denied_by: 'request-validator',
    reason: 'request-validator.body',
  })
  expect((await post('{')).status).toBe(400)
  expect((await post('')).status).toBe(400)
  expect((await post('a=1', 'application/x-www-form-urlencoded')).text).toContain(
    'specified Content-Type is not allowed',
  )
  expect((await post(body, 'application/json; charset=utf-8')).status).toBe(200)
  expect((await post(JSON.stringify({ item: 'pen', note: 'x'.repeat(70_000) }))).status).toBe(413)
})

test('a verbose response lists the errors', async () => {
  const { post } = await open({
    body_schema: order,
    version: 'draft202012',
    verbose_response: true,
  })
  expect((await post('{"item":"pen","count":0}')).text).toContain('count: must be >= 1')
})

test('accepts schemas in Kong’s own format', async () => {
  const fields = [
    { name: { type: 'string', required: true, len_min: 2 } },
    { tags: { type: 'array', elements: { type: 'string' } } },
    { place: { type: 'record', fields: [{ x: { type: 'number', between: [0, 9] } }] } },
  ]
  const { post } = await open({ body_schema: JSON.stringify(fields) })
  const ask = async (body: unknown) => (await post(JSON.stringify(body))).status
  expect(await ask({ name: 'ab', tags: ['x'], place: { x: 3 } })).toBe(200)
  expect(await ask({ name: 'a' })).toBe(400)
  expect(await ask({ tags: ['x'] })).toBe(400)
  expect(await ask({ name: 'ab', place: { x: 10 } })).toBe(400)
  expect(await ask({ name: 'ab', more: 1 })).toBe(400)
})

test.each([
  ['/7', 200],
  ['/seven', 400],
  ['/7?limit=10', 200],
  ['/7?limit=ten', 400],
  ['/7?limit=1000', 400],
  ['/7?id=1&id=2', 200],
  ['/7?id=1&id=x', 400],
  ['/7?sizes=1,2,3', 200],
  ['/7?sizes=1,b', 400],
  ['/7?at[x]=1&at[y]=2', 200],
  ['/7?at[x]=one', 400],
])('%s is answered %i', async (path, status) => {
  const parameter = (name: string, where: string, schema: unknown, more = {}) => ({
    name,
    in: where,
    required: where === 'path',
    schema: JSON.stringify(schema),
    ...more,
  })
  const numbers = { type: 'array', items: { type: 'integer' } }
  const { send } = await open(
    {
      version: 'draft4',
      parameter_schema: [
        parameter('number', 'path', { type: 'integer' }),
        parameter('limit', 'query', { type: 'integer', maximum: 100 }),
        parameter('id', 'query', numbers),
        parameter('sizes', 'query', numbers, { style: 'form', explode: false }),
        parameter(
          'at',
          'query',
          { type: 'object', properties: { x: { type: 'integer' } } },
          { style: 'deepObject' },
        ),
      ],
    },
    ['~/(?<number>[^/]+)$'],
  )
  expect((await send(path)).status).toBe(status)
})

test('rejects a request without a required parameter', async () => {
  const { send } = await open({
    parameter_schema: [{ name: 'X-Tenant', in: 'header', required: true }],
    verbose_response: true,
  })
  expect((await send('/')).text).toContain(
    `header 'X-Tenant' validation failed, [error] required parameter value not found`,
  )
  expect((await send('/', { headers: { 'x-tenant': 'a' } })).status).toBe(200)
})

test.each([
  [{}, /at least one of these fields/],
  [{ body_schema: '{' }, /body_schema/],
  [{ body_schema: '{"type":"nonsense"}', version: 'draft7' }, /body_schema/],
  [{ body_schema: '{"pattern":"(?=a)b"}', version: 'draft7' }, /body_schema/],
  [{ body_schema: '{"$ref":"https://elsewhere.test/x.json"}', version: 'draft7' }, /body_schema/],
  [{ parameter_schema: [{ name: 'id', in: 'path' }] }, /must be required/],
  [{ parameter_schema: [{ name: 'id', in: 'query', schema: '[' }] }, /parameter_schema/],
])('%j is not a setting', (config, words) => {
  const parsed = requestValidator.settings.safeParse(config)
  expect(JSON.stringify(parsed.error?.issues)).toMatch(words)
})

function listOfChoices(count: number): string {
  return JSON.stringify({ oneOf: Array.from({ length: count }, () => ({ type: 'object' })) })
}

test('matches any pattern in linear time', async () => {
  const schema = JSON.stringify({ type: 'string', pattern: '^(a+)+$' })
  const { post } = await open({ body_schema: schema, version: 'draft7' })
  // Exponential time would not finish.
  expect((await post(JSON.stringify(`${'a'.repeat(20_000)}!`))).status).toBe(400)
})

test('validates thousands of items and of levels in bounded time', () => {
  const items = Array.from({ length: 30_000 }, (_, at) => ({ at, of: 'one kind' }))
  const isSet = openSchemaCompiler()('{"uniqueItems":true}', 'draft202012')
  // Quadratic time needs 450 million comparisons. CPU time of this thread does not depend on other processes.
  const began = process.threadCpuUsage()
  expect(isSet(items)).toBeUndefined()
  expect(process.threadCpuUsage(began).user / 1_000).toBeLessThan(3_000)
  expect(isSet([...items, { of: 'one kind', at: 3 }])).toBe('must NOT have duplicate items')
  const isTree = openSchemaCompiler()('{"items":{"$ref":"#"},"uniqueItems":true}', 'draft7')
  const deep = JSON.parse('['.repeat(30_000) + ']'.repeat(30_000)) as unknown
  expect(isTree(deep)).toBe('it is nested too deeply')
})

test('schemas that would block the event loop while they are compiled are rejected', () => {
  const parameter = { name: 'id', in: 'query', schema: listOfChoices(25) }
  for (const config of [
    { body_schema: listOfChoices(1_000), version: 'draft7' },
    { parameter_schema: Array.from({ length: 40 }, () => parameter) },
  ]) {
    const parsed = requestValidator.settings.safeParse(config)
    expect(JSON.stringify(parsed.error?.issues)).toMatch(/at most 1500 values/)
  }
})

test('compiling a schema takes time linear in its size', () => {
  // Ajv's optimizer takes quadratic time for alternatives.
  const compile = (count: number) => openSchemaCompiler(Infinity)(listOfChoices(count), 'draft7')
  compile(20)
  expect(excessOf((count) => compile(Math.round(count)), 900)).toBeUndefined()
})

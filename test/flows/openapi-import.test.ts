import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { openCommandLine } from '../harness/open-command-line.ts'
import { stringify } from 'yaml'
import { catalog } from '../../src/plugins/catalog.ts'
import { adminToken, openTestAdmin } from './admin-harness.ts'
import { openGateway } from '../harness/open-gateway.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { openCounterTable } from '../../src/cluster/counter-table.ts'
import { compileProgram } from '../../src/proxy/program.ts'

/** An OpenAPI document with a recursive schema, references and path parameters. */
const shop = (openapi: string, url: string) => ({
  openapi,
  info: { title: 'Pet Shop', version: '1' },
  servers: [{ url }],
  paths: {
    '/pets': {
      get: {
        operationId: 'listPets',
        parameters: [{ $ref: '#/components/parameters/limit' }],
        responses: { 200: { description: 'fine' } },
      },
      post: {
        operationId: 'addPet',
        requestBody: { $ref: '#/components/requestBodies/pet' },
        responses: { 201: { description: 'made' } },
      },
    },
    '/pets/{pet-id}': {
      parameters: [{ name: 'pet-id', in: 'path', required: true, schema: { type: 'integer' } }],
      get: { responses: { 200: { description: 'fine' } } },
      delete: {
        'x-kong-plugin-request-termination': { config: { status_code: 418 } },
        responses: { 204: { description: 'gone' } },
      },
    },
    '/pets/mine': { get: { responses: { 200: { description: 'fine' } } } },
  },
  components: {
    parameters: { limit: { name: 'limit', in: 'query', schema: { type: 'integer', maximum: 50 } } },
    requestBodies: {
      pet: {
        required: true,
        content: { 'application/json': { schema: { $ref: '#/components/schemas/Pet' } } },
      },
    },
    schemas: {
      Pet: {
        type: 'object',
        required: ['name'],
        properties: {
          name: { type: 'string' },
          nick: openapi.startsWith('3.0')
            ? { type: 'string', nullable: true }
            : { type: ['string', 'null'] },
          children: { type: 'array', items: { $ref: '#/components/schemas/Pet' } },
        },
      },
    },
  },
})

async function openImportCommandLine() {
  const admin = await openTestAdmin({ catalog })
  const { folder, run: runWeir } = openCommandLine({
    WEIR_ADMIN_URL: admin.adminUrl,
    WEIR_ADMIN_TOKEN: adminToken,
  })
  const run = (...words: string[]) => runWeir('openapi', 'import', ...words)
  const write = (name: string, value: unknown) =>
    writeFileSync(
      join(folder, name),
      name.endsWith('.json') ? JSON.stringify(value) : stringify(value),
    )
  return { admin, run, write }
}

test.each(['3.0.3', '3.1.0'])(
  'imports an OpenAPI %s document as a service that validates requests',
  async (version) => {
    const server = createServer((request, response) => response.end(request.url))
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
    onTestFinished(() => void server.close())
    const { port } = server.address() as AddressInfo
    const { admin, run, write } = await openImportCommandLine()
    write('shop.yaml', shop(version, `http://127.0.0.1:${port}/v1/`))
    const imported = await run('shop.yaml')
    expect(imported).toMatchObject({ code: 0, err: '' })
    expect(imported.out).toContain('created service pet-shop')
    const gateway = await openGateway({})
    const { snapshot } = admin.configuration.current()
    gateway.proxy.swapProgram(
      compileProgram(snapshot, 2, {
        catalog,
        counters: openCounterTable(systemClock),
        clock: systemClock,
      }),
    )
    const ask = async (path: string, init?: RequestInit) => {
      const response = await gateway.ask(path, init)
      return [response.status, response.ok ? await response.text() : ''] as const
    }
    const post = (body: unknown) =>
      ask('/pets', {
        method: 'POST',
        body: JSON.stringify(body),
        headers: { 'content-type': 'application/json' },
      })
    expect(await ask('/pets?limit=50')).toEqual([200, '/v1/pets?limit=50'])
    expect((await ask('/pets?limit=51'))[0]).toBe(400)
    expect(await ask('/pets/7')).toEqual([200, '/v1/pets/7'])
    expect((await ask('/pets/seven'))[0]).toBe(400)
    expect(await ask('/pets/mine')).toEqual([200, '/v1/pets/mine'])
    expect((await ask('/pets/7', { method: 'DELETE' }))[0]).toBe(418)
    expect((await ask('/pets', { method: 'DELETE' }))[0]).toBe(404)
    expect((await post({ name: 'a', nick: null, children: [{ name: 'b' }] }))[0]).toBe(200)
    expect((await post({ name: 'a', children: [{ nick: 'b' }] }))[0]).toBe(400)
  },
)

test('a repeated import changes nothing, and a changed document only what changed', async () => {
  const { admin, run, write } = await openImportCommandLine()
  const document = shop('3.0.3', 'https://pets.test')
  write('shop.json', document)
  await admin.ask('POST', '/services', { name: 'other', host: 'other.test' })
  await run('shop.json')
  const { revision } = admin.configuration.current()
  expect((await run('shop.json')).out).toContain('Created: 0\n  Updated: 0\n  Deleted: 0')
  expect(admin.configuration.current().revision).toBe(revision)
  const { '/pets/mine': _mine, ...paths } = document.paths
  write('shop.json', {
    ...document,
    paths: { ...paths, '/pets/found': { get: { responses: {} } } },
    components: {
      ...document.components,
      parameters: {
        limit: { ...document.components.parameters.limit, schema: { type: 'integer' } },
      },
    },
  })
  const { out } = await run('shop.json', '--diff')
  expect(out).toContain('creating route pet-shop_get-pets-found')
  expect(out).toContain('deleting route pet-shop_get-pets-mine')
  expect(out).toContain('Created: 1\n  Updated: 1\n  Deleted: 1')
  await run('shop.json')
  expect((await admin.ask('GET', '/services/other')).status).toBe(200)
  expect((await run('shop.json', '-w', 'ProductX')).err).toContain('collides')
  await admin.ask('POST', '/config/sync?allow_empty=true', { _format_version: '3.0' })
  expect((await run('shop.json', '-w', 'ProductX')).out).toContain('created service pet-shop')
})

test('imports several servers as an upstream, and reports why a document is unsupported', async () => {
  const { admin, run, write } = await openImportCommandLine()
  const document = shop('3.1.0', 'https://a.test/v1')
  write('two.yaml', {
    ...document,
    servers: [
      { url: 'https://a.test/v1' },
      { url: 'https://{where}.test/v1', variables: { where: { default: 'b' } } },
    ],
  })
  await run('two.yaml')
  const { data } = (await admin.ask('GET', '/upstreams/pet-shop.upstream/targets')).body
  expect(data.map(({ target }: { target: string }) => target).sort()).toEqual([
    'a.test:443',
    'b.test:443',
  ])
  const fails = async (name: string, value: unknown, words: RegExp) => {
    write(name, value)
    const { code, err } = await run(name)
    expect(err).toMatch(words)
    expect(code).toBe(1)
  }
  await fails(
    'old.json',
    { swagger: '2.0', info: { title: 'x', version: '1' }, paths: {} },
    /expected openapi 3\.0 or 3\.1/,
  )
  await fails('other.yaml', { services: [] }, /^other\.yaml: this is not a valid Openapi/)
  await fails(
    'relative.yaml',
    { ...document, servers: [{ url: '/v1' }] },
    /pass the URL with --url/,
  )
  await fails('lost.yaml', { ...document, components: {} }, /lost\.yaml: /)
  expect((await run('nowhere.yaml')).err).toMatch(/nowhere\.yaml/)
})

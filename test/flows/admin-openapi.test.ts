import { validate } from '@apidevtools/swagger-parser'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { expect, test } from 'vitest'
import { adminRoutes } from '../../src/admin/open-admin.ts'
import { entities } from '../../src/entities/entities.ts'
import { openAnswerCheck } from '../harness/check-answers.ts'
import { openTestAdmin } from './admin-harness.ts'
import { bodyOf, makeParents, samples } from './admin-samples.ts'

test('serves valid OpenAPI with every path and method', async () => {
  const { ask } = await openTestAdmin()
  const { status, body } = await ask('GET', '/openapi.json')
  expect([status, body.openapi]).toEqual([200, '3.1.0'])
  await validate(structuredClone(body))
  const routes = adminRoutes({ version: '', node: '', requests: () => 0 })
  for (const { path, methods } of routes) {
    const described = body.paths[path.replaceAll(/:(\w+)/g, '{$1}').replace(/\*$/, '{rest}')]
    for (const method of Object.keys(methods)) {
      expect(described, `${method} ${path}`).toHaveProperty(method.toLowerCase())
    }
  }
  expect(Object.keys(body.components.schemas)).toEqual(
    expect.arrayContaining([...entities.map(({ name }) => name), 'plugin-limiter', 'vault-hcv']),
  )
})

test('every answer has a status and a body that the document describes', async () => {
  const admin = await openTestAdmin()
  await makeParents(admin, 'W')
  const { body: document } = await admin.ask('GET', '/openapi.json')
  const check = openAnswerCheck(document)
  const mismatches: unknown[] = []
  const ask = async (method: string, path: string, body?: unknown) => {
    const answer = await admin.ask(method, path, body)
    const { status, text, headers } = answer
    const isJson = text !== '' && headers.get('content-type')?.includes('json') === true
    const plain = path.replace(/^\/W\//, '/').replace(/\?.*/, '')
    const json = isJson ? { body: answer.body } : { body: undefined }
    mismatches.push(check({ method, path: plain, status, ...json }) ?? [])
    return answer
  }
  for (const sample of Object.values(samples)) {
    const list = sample.inWorkspace === false ? sample.path : `/W${sample.path}`
    const { body: made } = await ask('POST', list, await bodyOf(admin, sample, ['W', 1]))
    await ask('POST', list, sample.bad[0])
    await ask('GET', `${list}?size=1`)
    await ask('GET', `${list}/${made.id}`)
    await ask('GET', `${list}/00000000-0000-4000-8000-000000000000`)
    await ask('PATCH', `${list}/${made.id}`, sample.patch)
    await ask('PUT', `${list}/${made.id}`, await bodyOf(admin, sample, ['W', 1]))
    await ask('DELETE', `${list}/${made.id}`)
  }
  const checks = { passive: { unhealthy: { http_failures: 1 } } }
  await ask('PUT', '/W/upstreams/checked', { healthchecks: checks })
  await ask('PUT', '/W/consumer_groups/gold', {})
  for (const [method, path, body] of [
    ['POST', '/W/upstreams/checked/targets', { target: 'a:1' }],
    ['PUT', '/W/upstreams/checked/targets/a:1/healthy'],
    ['GET', '/W/upstreams/checked/targets/all'],
    ['GET', '/W/upstreams/checked/health'],
    ['POST', '/W/consumer_groups/gold/consumers', { consumer: 'parent' }],
    ['GET', '/W/consumer_groups/gold'],
    ['POST', '/rbac/users/parent/roles', { roles: 'read-only' }],
    ['DELETE', '/rbac/users/parent/roles', { roles: 'read-only' }],
    ['POST', '/admins', { username: 'ann' }],
    ['PATCH', '/admins/ann', { email: 'ann@example.com' }],
    ['DELETE', '/admins/ann'],
    ['POST', '/schemas/services/validate', { host: 'h' }],
    ['POST', '/config', { _format_version: '3.0', services: [{ name: 's', host: 'h' }] }],
    ['DELETE', '/services/s'],
  ] as const) {
    await ask(method, path, body)
  }
  const routes = adminRoutes({ version: '', node: '', requests: () => 0 })
  for (const { path, methods } of routes) {
    if (methods.GET !== undefined && !/[:*]/.test(path)) await ask('GET', path)
  }
  expect(mismatches.flat()).toEqual([])
})

test('requests and responses match the OpenAPI document', async () => {
  const admin = await openTestAdmin()
  await makeParents(admin, 'W')
  const { body: document } = await admin.ask('GET', '/openapi.json')
  const ajv = new Ajv2020({ strict: false, validateFormats: false })
  ajv.addSchema({ ...document, $id: 'api' })
  for (const [name, sample] of Object.entries(samples)) {
    const isValid = ajv.compile({ $ref: `api#/components/schemas/${name}` })
    const list = sample.inWorkspace === false ? sample.path : `/W${sample.path}`
    const body = await bodyOf(admin, sample, ['W', 1])
    const parts = sample.path.split('/')
    const field = entities.find((entity) => entity.name === name)?.belongsTo
    const parent = parts.length > 2 && field !== undefined ? { [field]: { name: 'parent' } } : {}
    expect([name, isValid({ ...parent, ...body }), isValid.errors]).toEqual([name, true, null])
    const { body: answer } = await admin.ask('POST', list, body)
    expect([name, isValid({ ...body, ...answer }), isValid.errors]).toEqual([name, true, null])
  }
})

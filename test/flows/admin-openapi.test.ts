import { validate } from '@apidevtools/swagger-parser'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { expect, test } from 'vitest'
import { adminRoutes } from '../../src/admin/open-admin.ts'
import { entities } from '../../src/entities/entities.ts'
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

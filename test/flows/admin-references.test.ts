import { randomUUID } from 'node:crypto'
import { afterAll, describe, expect, test } from 'vitest'
import { entities } from '../../src/entities/entities.ts'
import { startTestAdmin } from './admin-harness.ts'
import { bodyOf, makeParents, samples } from './admin-samples.ts'

const admin = await startTestAdmin()
afterAll(admin.close)

const nowhere = '00000000-0000-4000-8000-000000000000'
const here = 'W'
await makeParents(admin, here)
await makeParents(admin, 'Other')

/** Other required fields, so that only the reference is invalid. */
const beside: Readonly<Record<string, Record<string, unknown>>> = {
  service: { protocol: 'https' },
  'mtls-auth': { consumer: { username: 'parent' } },
}

/** References of entities with a collection. */
const references = entities.flatMap((entity) => {
  const { name, plural, refersTo, inWorkspace, withoutRoutes = [] } = entity
  const sample = samples[name]
  if (sample === undefined || withoutRoutes.includes('own')) return []
  const list = `${inWorkspace ? `/${here}` : ''}/${plural}`
  return Object.entries(refersTo).map(([field, to]) => ({ name, field, to, list, sample }))
})

describe.each(references)('$field of $name', ({ name, field, to, list, sample }) => {
  test('rejects missing ids and names, and those of another workspace', async () => {
    const body = await bodyOf(admin, sample, [here, 7])
    const place = admin.configuration.find({ entity: 'workspace', workspace: null, at: here })
    const count = () =>
      admin.configuration.list({ entity: name, workspace: place?.id ?? '' }).length
    const before = count()
    const refused = async (reference: unknown) => {
      const sent = { ...body, ...beside[name], [field]: reference }
      const { status, body: answer } = await admin.ask('POST', list, sent)
      return [status, answer.code]
    }
    expect(await refused({ id: nowhere })).toEqual([400, 4])
    expect(await refused({ name: 'nobody' })).toEqual([400, 13])
    expect(await refused('nobody')).toEqual([400, 2])
    expect(await refused({ id: await strangerOf(to) })).toEqual([400, 4])
    expect(count()).toBe(before)
  })
})

/** Returns the id of a target in another workspace; undefined for targets outside workspaces. */
async function strangerOf(to: string): Promise<string> {
  const sample = samples[to]
  if (sample === undefined || sample.inWorkspace === false) return nowhere
  const id = randomUUID()
  const { plural } = entities.find((entity) => entity.name === to) ?? {}
  const { status } = await admin.ask('PUT', `/Other/${plural}/${id}`, sample.body(strangers++))
  expect(status).toBe(200)
  return id
}

let strangers = 1000

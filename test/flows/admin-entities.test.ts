import { randomUUID } from 'node:crypto'
import { afterAll, describe, expect, test } from 'vitest'
import { entities } from '../../src/entities/entities.ts'
import { addPrincipal, startTestAdmin, type Answer } from './admin-harness.ts'
import { bodyOf, makeParents, samples, type Sample } from './admin-samples.ts'

const admin = await startTestAdmin()
afterAll(admin.close)

const ownForm = ['grant', 'endpoint-permission', 'group-member', 'group-role']
const cases = Object.entries(samples)

test('every entity has a sample', () => {
  const expected = entities.map(({ name }) => name).filter((name) => !ownForm.includes(name))
  expect(Object.keys(samples).sort()).toEqual(expected.sort())
})

describe.each(cases)('%s', (name, sample) => {
  const { secret = [], reveals } = entities.find((entity) => entity.name === name) ?? {}
  const hidden = reveals === undefined ? secret : []
  const { altered = [] } = sample

  test('is created, read, listed, replaced, patched and deleted', async () => {
    const { list, body } = await openWith(sample)
    const created = await admin.ask('POST', list, body)
    expect(created).toMatchObject({ status: 201, body: without(body, [...hidden, ...altered]) })
    const { id } = created.body as { id: string }
    const item = `${list}/${id}`
    const read = await readOne(sample, item)
    expect(read.status).toBe(200)
    expect(read.body).toMatchObject({ id, ...without(body, [...hidden, ...altered]) })
    for (const field of hidden) expect(read.body).not.toHaveProperty(field)
    expect((await admin.ask('HEAD', item)).status).toBe(200)
    expect((await admin.ask('GET', list)).body.data).toContainEqual(read.body)

    const patched = await admin.ask('PATCH', item, sample.patch)
    const updated_at: unknown = expect.any(Number)
    expect(patched).toMatchObject({
      status: 200,
      body: { ...read.body, updated_at, ...sample.patch },
    })
    const replaced = await admin.ask('PUT', item, body)
    expect(replaced.status).toBe(200)
    expect({ ...replaced.body, updated_at: 0, ...revealedNothing(hidden) }).toEqual({
      ...read.body,
      updated_at: 0,
      ...revealedNothing(hidden),
    })
    expect((await admin.ask('DELETE', item)).status).toBe(204)
    expect(await admin.ask('GET', item)).toMatchObject({
      status: 404,
      body: { message: 'Not found' },
    })
    expect((await admin.ask('PATCH', item, sample.patch)).status).toBe(404)
  })

  test('PUT creates a missing entity', async () => {
    const { list, body } = await openWith(sample)
    const id = randomUUID().toUpperCase()
    const put = await admin.ask('PUT', `${list}/${id}`, body)
    expect(put).toMatchObject({ status: 200, body: { id: id.toLowerCase() } })
    expect((await admin.ask('GET', `${list}/${id}`)).status).toBe(200)
  })

  test('rejects an invalid field by name, and stores nothing', async () => {
    const { list, number } = await openWith(sample)
    const [bad, field] = sample.bad
    const before = admin.configuration.current().revision
    const wrong = await admin.ask('POST', list, bad)
    expect(wrong).toMatchObject({ status: 400, body: { code: 2, name: 'schema violation' } })
    expect(wrong.body.fields).toHaveProperty(field)
    const unknown = await admin.ask('POST', list, { ...sample.body(number), surprise: 1 })
    expect(unknown.body.fields).toMatchObject({ surprise: 'unknown field' })
    expect((await admin.ask('POST', list, sample.lost ?? { surprise: 1 })).status).toBe(400)
    expect(admin.configuration.current().revision).toBe(before)
  })

  test('rejects a duplicate', async () => {
    const { list, body, workspace, number } = await openWith(sample)
    await admin.ask('POST', list, body)
    const other = await bodyOf(admin, sample, [workspace, number + 1])
    const shared = Object.fromEntries((sample.shared ?? []).map((field) => [field, body[field]]))
    const again = await admin.ask('POST', list, { ...other, ...shared })
    const refusal = {
      status: 409,
      body: {
        code: 5,
        name: 'unique constraint violation',
        message: expect.stringMatching(/^UNIQUE violation detected on '\{.*\}'$/) as string,
      },
    }
    expect(again).toMatchObject(sample.shared === undefined ? { status: 201 } : refusal)
    const first = (await admin.ask('GET', list)).body.data.find(
      (one: Record<string, unknown>) => one['id'] !== undefined,
    )
    const taken = await admin.ask('POST', list, { ...other, id: first.id })
    expect(taken).toMatchObject({ status: 400, body: { code: 3, name: 'primary key violation' } })
  })

  test('is denied without permission, and not found in another workspace', async () => {
    const { list, body, workspace } = await openWith(sample)
    const token = await addPrincipal(admin, {
      name: `reader-${workspace}`,
      workspace,
      endpoints: [{ endpoint: '*', actions: 'read' }],
    })
    const { body: created } = await admin.ask('POST', list, body)
    const revision = admin.configuration.current().revision
    for (const [method, path] of [
      ['POST', list],
      ['PUT', `${list}/${created.id}`],
      ['PATCH', `${list}/${created.id}`],
      ['DELETE', `${list}/${created.id}`],
    ] as const) {
      const denied = await admin.ask(method, path, body, { token })
      expect(denied.status).toBe(403)
      expect(denied.body.message).toMatch(
        /^reader-\w+, you do not have permissions to \w+ this resource$/,
      )
    }
    expect(admin.configuration.current().revision).toBe(revision)
    if (sample.inWorkspace === false) return
    await makeParents(admin, 'ProductY')
    const elsewhere = `/ProductY${sample.path}/${created.id}`
    expect((await admin.ask('GET', elsewhere)).status).toBe(404)
    expect((await admin.ask('PATCH', elsewhere, sample.patch)).status).toBe(404)
    expect((await admin.ask('PUT', elsewhere, body)).status).toBe(400)
    expect((await readOne(sample, `${list}/${created.id}`)).body).toEqual(created)
  })
})

async function readOne({ wrapped }: Sample, item: string): Promise<Answer> {
  const answer = await admin.ask('GET', item)
  return wrapped === undefined ? answer : { ...answer, body: answer.body[wrapped] }
}

let tests = 0

/** Creates a workspace, and returns the path of the list, a body, and the number used in that body. */
async function openWith(sample: Sample) {
  tests += 1
  const workspace = `W${tests}`
  const number = tests * 10 + 1
  await makeParents(admin, workspace)
  const list = sample.inWorkspace === false ? sample.path : `/${workspace}${sample.path}`
  return { list, workspace, number, body: await bodyOf(admin, sample, [workspace, number]) }
}

/** The fields that are returned as sent: no references by name, no lists sent as text, no secrets. */
function without(body: Record<string, unknown>, fields: readonly string[]) {
  const hidden = new Set([...fields, 'service', 'actions', 'config'])
  return Object.fromEntries(Object.entries(body).filter(([field]) => !hidden.has(field)))
}

const revealedNothing = (hidden: readonly string[]) =>
  Object.fromEntries(hidden.map((field) => [field, undefined]))

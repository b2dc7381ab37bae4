import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { openAnalytics } from '../../src/analytics/open-analytics.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { shipAudit } from '../../src/control/start-audit-jobs.ts'
import { openWarehouse } from '../../src/warehouse/open-warehouse.ts'
import { until } from '../harness/until.ts'
import { addPrincipal, startTestAdmin } from './admin-harness.ts'
import { makeParents } from './admin-samples.ts'

const directory = await mkdtemp(join(tmpdir(), 'weir-audit-dataset-'))
const admin = await startTestAdmin()
const warehouse = await openWarehouse({ path: directory })
const report = (error: unknown): never => {
  throw error
}
const stops = [
  shipAudit(admin.configuration.audit, warehouse, report),
  shipAudit(admin.configuration.audit, warehouse, report),
]
afterAll(async () => {
  await Promise.all(stops.map((stop) => stop()))
  await warehouse.close()
  await admin.close()
  await rm(directory, { recursive: true, force: true })
})

const { configuration } = admin
const analytics = openAnalytics({
  warehouse,
  rightsOf: (principal) => configuration.rightsOf(principal),
  clock: systemClock,
})

const rightsNamed = (name: string) => {
  const entry = configuration.find({ entity: 'principal', workspace: null, at: name })
  return configuration.rightsOf(entry?.id ?? '') ?? report(new Error(`no ${name}`))
}

/** Queries the dataset as a principal, oldest first. */
async function seenBy(name: string): Promise<readonly unknown[]> {
  const { data } = await analytics.answer(rightsNamed(name), {
    dimensions: ['audit.sequence', 'audit.principal', 'audit.workspace', 'audit.outcome'],
    ungrouped: true,
    order: { 'audit.sequence': 'asc' },
    limit: 1000,
  })
  return data.map((row) => [
    row['audit.sequence'],
    row['audit.principal'],
    row['audit.workspace'],
    row['audit.outcome'],
  ])
}

/** Reads the same from the audit log. */
async function cachePeriods(name: string): Promise<readonly unknown[]> {
  const records = (await configuration.audit.readFor(rightsNamed(name), {}, 1000)) ?? []
  return records
    .toReversed()
    .map(({ sequence, principal, workspace, allowed }) => [
      sequence,
      principal?.name ?? '',
      workspace,
      allowed ? 'allowed' : 'denied',
    ])
}

test('shows each record once, to exactly those who may read the audit log of its workspace', async () => {
  await makeParents(admin, 'ProductX')
  await makeParents(admin, 'ProductY')
  const endpoints = [{ endpoint: '*', actions: '*' }]
  const token = await addPrincipal(admin, { name: 'member', workspace: 'ProductX', endpoints })
  await addPrincipal(admin, {
    name: 'deaf',
    workspace: 'ProductX',
    endpoints: [...endpoints, { endpoint: '/audit', actions: 'read', negative: true }],
  })
  await admin.ask('POST', '/ProductX/consumers', { username: 'x' }, { token })
  await admin.ask('POST', '/ProductY/consumers', { username: 'y' }, { token })
  const all = await cachePeriods('admin')
  await until('the warehouse has the log', async () => (await seenBy('admin')).length >= all.length)
  for (const name of ['admin', 'member', 'deaf'])
    expect(await seenBy(name)).toEqual(await cachePeriods(name))
  expect((await seenBy('member')).length).toBeGreaterThan(3)
  expect(await seenBy('deaf')).toEqual([])
})

test('meta lists the dataset for principals who see any of it', async () => {
  const names = async (name: string) =>
    (await analytics.meta(rightsNamed(name))).datasets.map((one) => one.name)
  expect(await names('member')).toEqual(['audit', 'requests', 'unrecorded'])
  expect(await names('deaf')).toEqual(['requests', 'unrecorded'])
  const { data, visibility } = await analytics.answer(rightsNamed('member'), {
    measures: ['audit.count', 'audit.denied'],
    dimensions: ['audit.workspace'],
    segments: ['audit.changes'],
  })
  expect(data).toMatchObject([{ 'audit.workspace': 'ProductX', 'audit.denied': 0 }])
  expect(visibility.statement).toBe('You see audit records of workspace ProductX.')
  await expect(
    analytics.answer(rightsNamed('member'), { measures: ['audit.count', 'requests.count'] }),
  ).rejects.toMatchObject({ code: 'query.member' })
})

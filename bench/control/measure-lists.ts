import { systemPrincipal } from '../../src/control/permit.ts'
import type { EntityName } from '../../src/entities/entities.ts'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import { openAdmin } from '../../src/admin/open-admin.ts'
import { openConfiguration } from '../../src/control/open-configuration.ts'
import type { Configuration } from '../../src/control/configuration.ts'
import type { Operation } from '../../src/entities/operation.ts'
import { defaultWorkspace } from '../../src/entities/default-workspace.ts'
import { openSqliteStore } from '../../src/store/open-sqlite-store.ts'
import type { Row } from '../report.ts'
import { routePath } from './build-document.ts'

const adminToken = 'token-of-the-super-admin'
const roleId = '00000000-0000-4000-8000-00000000000a'
const readerToken = 'token-of-the-reader-0123456789'

/** Measures pages of the route list in process, without a network. */
export async function measureLists(
  sizes: readonly number[],
  { rounds, onProgress }: { readonly rounds: number; readonly onProgress: (line: string) => void },
): Promise<readonly Row[]> {
  const rows: Row[] = []
  for (const routes of sizes) {
    const folder = mkdtempSync(join(tmpdir(), 'weir-lists-'))
    const configuration = await openConfiguration({
      store: await openSqliteStore(join(folder, 'weir.db')),
      catalog: [],
      compile: () => undefined,
      adminToken,
    })
    const { admin } = await openAdmin({ configuration, version: '0', uiDirectory: folder })
    try {
      await fill(configuration, routes)
      onProgress(`${routes.toLocaleString('en-US')} routes stored`)
      for (const [name, path, token] of await requests(admin, routes)) {
        const times: number[] = []
        const stopWatching = await watchEventLoop()
        for (let round = 0; round < rounds; round += 1) {
          const began = performance.now()
          const { statusCode } = await admin.inject({ url: path, headers: headersOf(token) })
          times.push(performance.now() - began)
          if (statusCode !== 200) throw new Error(`${path}: ${statusCode}`)
          await new Promise((resolve) => void setTimeout(resolve, 2))
        }
        const blocked = await stopWatching()
        const median = times.toSorted((a, b) => a - b)[times.length >> 1] ?? 0
        onProgress(`${name}: ${median.toFixed(2)} ms`)
        rows.push({
          case: `lists, ${name}`,
          subject: `weir, ${routes.toLocaleString('en-US')} routes`,
          first_us: Math.round((times[0] ?? 0) * 1000),
          median_us: Math.round(median * 1000),
          blocked_us: Math.round(blocked * 1000),
        })
      }
    } finally {
      await admin.close()
      await configuration.close()
      rmSync(folder, { recursive: true })
    }
  }
  return rows
}

/** Watches the event loop; what it resolves to returns the longest time between two timers, in milliseconds. */
async function watchEventLoop(): Promise<() => Promise<number>> {
  let [last, longest] = [performance.now(), 0]
  const timer = setInterval(() => {
    const now = performance.now()
    longest = Math.max(longest, now - last)
    last = now
  }, 1)
  const pause = () => new Promise((resolve) => void setTimeout(resolve, 20))
  await pause()
  longest = 0
  return async () => {
    await pause()
    clearInterval(timer)
    return longest
  }
}

type Request = readonly [name: string, path: string, token: string]

async function requests(admin: FastifyInstance, routes: number): Promise<readonly Request[]> {
  const first = await admin.inject({ url: '/routes', headers: headersOf(adminToken) })
  const { data } = first.json<{ data: readonly { id: string }[] }>()
  const middle = `80000000${(data[0]?.id ?? '').slice(8)}`
  const offset = Buffer.from(middle).toString('base64url')
  return [
    ['first page', '/routes', adminToken],
    ['page in the middle', `/routes?offset=${offset}`, adminToken],
    ['page of 1000', '/routes?size=1000', adminToken],
    ['a tag of ten routes', '/routes?tags=team-7', adminToken],
    ['routes of a service', `/services/service-${routes / 20}/routes`, adminToken],
    ['one route by name', `/routes/route-${routes / 2}`, adminToken],
    ['tags', '/tags/team-7', adminToken],
    ['search that finds a hundred at once', '/routes?search=bench', adminToken],
    ['search that finds one', `/routes?search=team-7+route-${routes / 10 + 7}`, adminToken],
    ['sorted by name', '/routes?sort_by=name', adminToken],
    ['sorted by last change', '/routes?sort_by=updated_at&sort_desc=true', adminToken],
    ['routes of a service by name', '/services/service-7/routes?sort_by=name', adminToken],
    ['search that finds one, by name', '/routes?sort_by=name&search=route-77', adminToken],
    ['page of one who may read three routes', '/routes', readerToken],
    ['search of one who may read three routes', '/routes?search=route-1', readerToken],
  ]
}

const headersOf = (token: string) => ({ 'kong-admin-token': token })

/** Ten routes per service; every ten routes share a tag. */
async function fill(configuration: Configuration, routes: number): Promise<void> {
  const services = Array.from({ length: routes / 10 }, (_, at) =>
    create('service', { name: `service-${at}`, host: 'h' }),
  )
  const own = Array.from({ length: routes }, (_, at) =>
    create('route', {
      name: `route-${at}`,
      paths: [routePath(at)],
      service: { name: `service-${Math.floor(at / 10)}` },
      tags: ['bench', `team-${at % (routes / 10)}`],
    }),
  )
  const read = [1, 2, 3].map((at) =>
    create('endpoint-permission', {
      role: { id: roleId },
      endpoint: `/routes/route-${at}`,
      actions: 'read',
    }),
  )
  await change(configuration, services)
  await change(configuration, own)
  await change(configuration, [
    create('role', { id: roleId, name: 'reader' }),
    ...read,
    create('principal', { name: 'reader' }, null),
    create('grant', { principal: { name: 'reader' }, role: { id: roleId } }, null),
    create('token', { principal: { name: 'reader' }, token: readerToken }, null),
  ])
}

const create = (
  entity: EntityName,
  body: Record<string, unknown>,
  workspace: string | null = defaultWorkspace.id,
): Operation => ({ kind: 'create', entity, workspace, body })

const change = (configuration: Configuration, operations: readonly Operation[]) =>
  configuration.change({
    principal: systemPrincipal,
    check: { ask: { workspace: defaultWorkspace, path: '/', action: 'update' } },
    origin: { requestId: '', address: '', method: '', path: '' },
    status: 200,
    operations,
  })

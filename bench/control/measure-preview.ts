import { randomFrom } from '../../test/harness/random-routes.ts'
import { buildTestSnapshot, type SnapshotInput } from '../../test/harness/build-snapshot.ts'
import { openTestWarehouse } from '../../test/harness/open-test-warehouse.ts'
import { buildTestRights } from '../../test/harness/build-test-rights.ts'
import { catalog } from '../../src/plugins/catalog.ts'
import { previewChange } from '../../src/preview/preview-change.ts'
import { defaultWorkspace } from '../../src/entities/default-workspace.ts'
import { rounded, type Row } from '../report.ts'
import { routePath, type Size } from './build-document.ts'

const workspace = { id: '00000000-0000-4000-8000-00000000000a', name: 'test' }
const day = 86_400
const to = 1_795_000_000
/** Routes that each consumer calls. */
const favorites = 20
const batch = 20_000

export async function measurePreview(
  events: number,
  size: Size,
  onProgress: (line: string) => void,
): Promise<readonly Row[]> {
  const warehouse = await openTestWarehouse()
  try {
    await fill(warehouse, events, size, onProgress)
    const words = wordsFor(size)
    const present = buildTestSnapshot(words)
    const rows: Row[] = []
    for (const [name, proposed] of proposals(words)) {
      const { requests, judged, changes, took } = await previewChange(
        { warehouse, catalog },
        {
          rights: buildTestRights(defaultWorkspace, ['+* *'], present),
          present,
          proposed: buildTestSnapshot(proposed),
          from: (to - day) * 1000,
          to: to * 1000,
        },
      )
      onProgress(`${name}: ${took} ms`)
      rows.push({
        case: `preview, ${name}`,
        subject: `weir, ${events.toLocaleString('en-US')} events`,
        time_ms: took,
        judged_share: rounded(judged / Math.max(1, requests)),
        changed: changes.reduce((sum, change) => sum + change.requests, 0),
        rss_mb: Math.round(process.memoryUsage().rss / 1e6),
      })
    }
    return rows
  } finally {
    await warehouse.close()
  }
}

function wordsFor({ routes, consumers }: Size): SnapshotInput {
  const services = routes / 10
  return {
    services: Array.from({ length: services }, (_, at) => ({ name: `service-${at}`, host: 'h' })),
    routes: Array.from({ length: routes }, (_, at) => ({
      name: `route-${at}`,
      service: `service-${Math.floor(at / 10)}`,
      paths: [routePath(at)],
    })),
    plugins: Array.from({ length: services }, (_, at) => ({
      name: 'key-auth',
      service: `service-${at}`,
    })),
    consumers: Object.fromEntries(
      Array.from({ length: consumers }, (_, at) => [
        `consumer-${at}`,
        { keys: ['key'], groups: [`group-${at % 20}`] },
      ]),
    ),
  }
}

function proposals(words: SnapshotInput): readonly (readonly [string, SnapshotInput])[] {
  const plugins = words.plugins ?? []
  const acl = { name: 'acl', service: 'service-1', config: { deny: ['group-3'] } }
  const limit = { name: 'rate-limiting', config: { hour: 5, limit_by: 'consumer' } }
  return [
    ['a group is denied at one service', { ...words, plugins: [...plugins, acl] }],
    ['a route is removed', { ...words, routes: words.routes?.slice(1) ?? [] }],
    ['an hourly limit for everybody', { ...words, plugins: [...plugins, limit] }],
  ]
}

type Filling = Pick<Awaited<ReturnType<typeof openTestWarehouse>>, 'insertBatch'>

/** A day of requests: every consumer calls some routes, with a different path each time. */
async function fill(
  warehouse: Filling,
  events: number,
  size: Size,
  onProgress: (line: string) => void,
): Promise<void> {
  const random = randomFrom(7)
  const below = (limit: number): number => Math.floor(random() * limit)
  for (let start = 0; start < events; start += batch) {
    const lines = Array.from({ length: Math.min(batch, events - start) }, (_, index) => {
      const consumer = below(size.consumers)
      const route = (consumer * 31 + below(favorites) * 977) % size.routes
      return JSON.stringify({
        time: `${to - below(day)}.${String(index).padStart(6, '0')}`,
        request_id: uuidFor(start + index),
        workspace: workspace.id,
        workspace_name: workspace.name,
        service: `service-${Math.floor(route / 10)}`,
        service_name: `service-${Math.floor(route / 10)}`,
        route: `route-${route}`,
        route_name: `route-${route}`,
        consumer: `consumer-${consumer}`,
        consumer_name: `consumer-${consumer}`,
        auth_method: 'key-auth',
        credential: `consumer-${consumer}-key`,
        outcome: 'allowed',
        method: 'GET',
        scheme: 'http',
        host: 'api.test',
        path: `${routePath(route)}/${start + index}`,
        status: 200,
        client_address: `10.0.${consumer % 250}.${consumer % 199}`,
      })
    })
    await warehouse.insertBatch('requests', `bench-${start}`, Buffer.from(`${lines.join('\n')}\n`))
    if (start % (batch * 10) === 0) onProgress(`${start.toLocaleString('en-US')} events stored`)
  }
}

const uuidFor = (number: number): string =>
  `019aa000-0000-7000-8000-${String(number).padStart(12, '0')}`

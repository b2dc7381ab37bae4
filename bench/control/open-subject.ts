import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import {
  adminToken,
  startWeir,
  type TestWeir,
  type WeirOptions,
} from '../../test/harness/start-weir.ts'
import { buildServices, buildServicesDocument, livePath, liveServices } from './build-services.ts'
import { openProbes } from './open-probes.ts'
import { openTraffic, type Traffic } from './open-traffic.ts'

/** A complete Weir, and traffic for its live route. */
export type Subject = {
  readonly weir: TestWeir
  readonly traffic: Traffic
  /** Calls the Admin API; throws for status 400 or above. */
  admin(this: void, method: string, path: string, body?: object): Promise<unknown>
  /** Syncs as many services and routes. */
  load(this: void, size: number): Promise<void>
}

export type SubjectOptions = {
  readonly workers: number
  readonly env?: Readonly<Record<string, string>>
}

/** Runs Weir with an empty configuration and the live route, and stops it after the work. */
export async function withSubject<Result>(
  { workers, env = {} }: SubjectOptions,
  work: (subject: Subject) => Promise<Result>,
): Promise<Result> {
  const traffic = await openTraffic()
  try {
    return await withWeir({ env: { ...env, WEIR_WORKERS: String(workers) } }, async (weir) => {
      const subject = describeSubject(weir, traffic)
      await subject.admin('POST', '/config/sync', buildServicesDocument(liveServices(traffic)))
      await untilRouted(weir, livePath)
      return await work(subject)
    })
  } finally {
    await traffic.close()
  }
}

export async function withWeir<Result>(
  options: WeirOptions,
  work: (weir: TestWeir) => Promise<Result>,
): Promise<Result> {
  const stops: (() => Promise<void>)[] = []
  try {
    const onFinished = (stop: () => Promise<void>): void => void stops.push(stop)
    return await work(await startWeir({ ...options, onFinished }))
  } finally {
    for (const stop of stops) await stop()
  }
}

export function describeSubject(weir: TestWeir, traffic: Traffic): Subject {
  const admin: Subject['admin'] = async (method, path, body) => {
    const answer = await weir.admin(method, path, body, adminToken)
    const text = await answer.text()
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text.slice(0, 500)}`)
    return text === '' ? undefined : JSON.parse(text)
  }
  return {
    weir,
    traffic,
    admin,
    async load(size) {
      const { services = [], routes = [] } = buildServices(size, traffic)
      for (let at = 0; at < services.length; at += maxLoaded) {
        const [some, own] = [services, routes].map((all) => all.slice(at, at + maxLoaded))
        const document = buildServicesDocument({ services: some ?? [], routes: own ?? [] })
        await admin('POST', `/config/sync?keep_rest=${at > 0}`, document)
      }
    },
  }
}

/** Services of one document. It has at most 200,000 entities, and on a busy machine the client gives up after five minutes. */
const maxLoaded = 20_000

/** Waits until all workers route a path. Returns the milliseconds since `startedAt`. */
export async function untilRouted(
  weir: TestWeir,
  path: string,
  startedAt = performance.now(),
): Promise<number> {
  const probes = await openProbes(weir)
  try {
    const times = await probes.untilServed({ path }, ({ status }) => status !== 404, startedAt)
    return Math.max(...times)
  } finally {
    probes.close()
  }
}

/** The bytes of a directory and of all below. */
export function bytesIn(directory: string): number {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, { parentPath, name }) => {
      const found = statSync(join(parentPath, name), { throwIfNoEntry: false })
      return sum + (found?.size ?? 0)
    }, 0)
}

/** The bytes of the store's used pages, with those that are in its write-ahead log only. */
export function storeBytes({ data }: Pick<TestWeir, 'data'>): number {
  const store = new DatabaseSync(join(data, 'weir.db'), { readOnly: true })
  const read = (name: string): number =>
    Number(Object.values(store.prepare(`PRAGMA ${name}`).get() ?? {})[0])
  try {
    return (read('page_count') - read('freelist_count')) * read('page_size')
  } finally {
    store.close()
  }
}

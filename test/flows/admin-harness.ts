import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import { onTestFinished } from 'vitest'
import { z } from 'zod'
import { openAdmin, type AppTls, type AdminOptions } from '../../src/admin/open-admin.ts'
import type { KnownWorker } from '../../src/cluster/node-registry.ts'
import type { Configuration } from '../../src/control/configuration.ts'
import {
  openConfiguration,
  type ConfigurationOptions,
} from '../../src/control/open-configuration.ts'
import type { Log } from '../../src/lib/log.ts'
import type { CachePurge, TargetOrder } from '../../src/schema/node-protocol.ts'
import type { PluginSchema } from '../../src/entities/plugin-schema.ts'
import { freshDatabase, openStoreAt } from '../harness/store-engines.ts'

/** The token of the super-admin in tests. */
export const adminToken = 'token-of-the-super-admin'

/** Two policies that only have settings. */
export const catalog: readonly PluginSchema[] = [
  {
    name: 'limiter',
    about: 'Limits.',
    settings: z.strictObject({
      minute: z.int().min(1),
      by: z.enum(['consumer', 'ip']).default('consumer'),
      note: z.string().nullable().default(null),
    }),
  },
  { name: 'plain', about: 'Has no settings.', settings: z.strictObject({}) },
]

/** An answer as tests read it. */
export type Answer = {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  // oxlint-disable-next-line typescript/no-explicit-any -- tests look into answers of every shape
  readonly body: any
}

/** Options of a request. Default: JSON with the super-admin's token. */
export type Asking = {
  readonly token?: string | undefined
  readonly headers?: Readonly<Record<string, string>>
  readonly manager?: boolean
}

/** A control plane for people and tools that runs until the test is over. */
export type TestAdmin = {
  readonly configuration: Configuration
  readonly adminUrl: string
  readonly managerUrl: string
  /** '' without the option `tls`. */
  readonly secureAdminUrl: string
  readonly secureManagerUrl: string
  /** `ask('POST', '/services', { host: 'h' })`; text is sent as it is. */
  readonly ask: (method: string, path: string, body?: unknown, asking?: Asking) => Promise<Answer>
}

export type TestOptions = Partial<ConfigurationOptions> & {
  readonly uiDirectory?: string
  readonly workers?: () => readonly KnownWorker[]
  readonly intake?: AdminOptions['intake']
  readonly wantTraffic?: () => void
  readonly order?: (order: TargetOrder) => void
  readonly purge?: (purge: CachePurge) => void
  readonly log?: Log
  readonly analytics?: AdminOptions['analytics']
  readonly logLevel?: AdminOptions['logLevel']
  readonly warehouse?: AdminOptions['warehouse']
  readonly findLastUses?: AdminOptions['findLastUses']
  readonly hosts?: readonly string[]
  readonly corsOrigins?: readonly string[]
  /** Opens listeners with TLS too. */
  readonly tls?: AppTls
}

/** Opens real servers on free ports over a real store, until the test is over. */
export async function openTestAdmin(options: TestOptions = {}): Promise<TestAdmin> {
  const admin = await startTestAdmin(options)
  onTestFinished(admin.close)
  return admin
}

/** Opens what openTestAdmin opens, until it is closed. */
export async function startTestAdmin(
  options: TestOptions = {},
): Promise<TestAdmin & { readonly close: () => Promise<void> }> {
  const directory = await mkdtemp(join(tmpdir(), 'weir-admin-'))
  const configuration = await openConfiguration({
    store: await openStoreAt(await freshDatabase()),
    catalog,
    compile: () => undefined,
    adminToken,
    ...options,
  })
  const {
    admin,
    manager,
    listen: listenOn,
  } = await openAdmin({
    configuration,
    version: '0.0.0-test',
    uiDirectory: options.uiDirectory ?? join(directory, 'no-ui'),
    ...(options.workers === undefined ? {} : { workers: options.workers }),
    ...(options.wantTraffic === undefined ? {} : { wantTraffic: options.wantTraffic }),
    ...(options.order === undefined ? {} : { order: options.order }),
    purge: options.purge,
    ...(options.intake === undefined ? {} : { intake: options.intake }),
    ...(options.log === undefined ? {} : { log: options.log }),
    ...(options.corsOrigins === undefined ? {} : { corsOrigins: options.corsOrigins }),
    ...(options.hosts === undefined ? {} : { hosts: options.hosts }),
    ...(options.logLevel === undefined ? {} : { logLevel: options.logLevel }),
    warehouse: options.warehouse,
    findLastUses: options.findLastUses,
    ...(options.analytics === undefined ? {} : { analytics: options.analytics }),
  })
  const adminUrl = await listen(admin)
  const managerUrl = await listen(manager)
  const { tls } = options
  const listenSecurely = async (app: FastifyInstance): Promise<string> => {
    if (tls === undefined) return ''
    const listens = [{ host: '127.0.0.1', port: 0, isSecure: true }]
    const { urls, close } = await listenOn(app, listens, tls)
    closings.push(close)
    return urls[0] ?? ''
  }
  const closings: (() => Promise<void>)[] = []
  const secureUrls = {
    secureAdminUrl: await listenSecurely(admin),
    secureManagerUrl: await listenSecurely(manager),
  }
  return {
    ...secureUrls,
    configuration,
    adminUrl,
    managerUrl,
    ask: (method, path, body, asking = {}) =>
      ask([method, asking.manager === true ? managerUrl : adminUrl, path], body, asking),
    async close() {
      await Promise.all(closings.map((close) => close()))
      await Promise.all([admin.close(), manager.close()])
      await configuration.close()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

const listen = (app: FastifyInstance): Promise<string> => app.listen({ host: '127.0.0.1', port: 0 })

async function ask(
  [method, url, path]: readonly [string, string, string],
  body: unknown,
  { token = adminToken, headers = {} }: Asking,
): Promise<Answer> {
  const sent = body === undefined ? {} : { 'content-type': 'application/json' }
  const answer = await fetch(`${url}${path}`, {
    method,
    headers: { ...sent, ...(token === '' ? {} : { 'kong-admin-token': token }), ...headers },
    ...(body === undefined ? {} : { body: encoded(body) }),
  })
  const text = await answer.text()
  const isJson = (answer.headers.get('content-type') ?? '').includes('application/json')
  return {
    status: answer.status,
    headers: answer.headers,
    text,
    body: isJson && text !== '' ? (JSON.parse(text) as unknown) : text,
  }
}

const encoded = (body: unknown): NonNullable<RequestInit['body']> =>
  typeof body === 'string' || body instanceof FormData || body instanceof URLSearchParams
    ? body
    : JSON.stringify(body)

/** A principal with a token, and in one workspace a role with the given permissions. */
export async function addPrincipal(
  { ask: askAdmin }: TestAdmin,
  {
    name,
    workspace,
    endpoints,
  }: {
    name: string
    workspace: string
    endpoints: readonly { endpoint: string; actions: string; negative?: boolean }[]
  },
): Promise<string> {
  const token = `token-of-${name}-0123456789`
  await askAdmin('POST', '/rbac/users', { name, user_token: token })
  await askAdmin('POST', `/${workspace}/rbac/roles`, { name: `role-of-${name}` })
  for (const endpoint of endpoints) {
    await askAdmin('POST', `/${workspace}/rbac/roles/role-of-${name}/endpoints`, endpoint)
  }
  await askAdmin('POST', `/${workspace}/rbac/users/${name}/roles`, { roles: `role-of-${name}` })
  return token
}

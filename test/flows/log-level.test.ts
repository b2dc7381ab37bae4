import { expect, test } from 'vitest'
import { openNodeRegistry } from '../../src/cluster/node-registry.ts'
import { openLog } from '../../src/lib/log.ts'
import { openLogThreshold, logLevels } from '../../src/lib/log-threshold.ts'
import { startWeir } from '../harness/start-weir.ts'
import { until } from '../harness/until.ts'
import { addPrincipal, openTestAdmin } from './admin-harness.ts'

test('changes the log level for a time, by those who may, with a record in the audit log', async () => {
  const threshold = openLogThreshold()
  const changes: unknown[] = []
  const admin = await openTestAdmin({
    logLevel: {
      current: () => threshold.level,
      change(change, isOfCluster) {
        changes.push([change.level, change.milliseconds, isOfCluster])
        threshold.change(change.level, change.milliseconds)
      },
    },
  })
  const put = async (path: string, body?: unknown, token?: string) => {
    const answer = await admin.ask('PUT', path, body, token === undefined ? {} : { token })
    return [answer.status, answer.body.message]
  }
  expect(await put('/debug/node/log-level/error?timeout=30')).toEqual([200, 'log level changed'])
  expect((await admin.ask('GET', '/debug/node/log-level')).body).toEqual({
    message: 'log level: error',
  })
  expect(await put('/debug/node/log-level/error')).toEqual([200, 'log level is already error'])
  expect(await put('/debug/cluster/log-level/debug', { timeout: 5 })).toEqual([
    200,
    'log level changed',
  ])
  expect(changes).toEqual([
    ['error', 30_000, false],
    ['debug', 5_000, true],
  ])
  for (const timeout of [-1, 90_000, 'long'])
    expect((await put('/debug/node/log-level/warn', { timeout }))[0]).toBe(400)
  const token = await addPrincipal(admin, {
    name: 'ann',
    workspace: 'default',
    endpoints: [{ endpoint: '/debug/*', actions: 'read' }],
  })
  expect((await put('/debug/cluster/log-level/emerg', {}, token))[0]).toBe(403)
  expect(changes).toHaveLength(2)
  const records = await admin.configuration.audit.read({}, 100)
  expect(records.map(({ because }) => because)).toEqual(
    expect.arrayContaining([
      'The log level of this node is error for 30 seconds.',
      'The log level of all nodes is debug for 5 seconds.',
    ]),
  )
})

test('writes messages of the level and above, until the time is over', async () => {
  const lines: string[] = []
  const threshold = openLogThreshold()
  const log = openLog('test', (line) => void lines.push(line), threshold)
  const written = () => {
    lines.length = 0
    log.info('i')
    log.warn('w')
    log.error('e')
    return lines.length
  }
  const counts = logLevels.map((level) => {
    threshold.change(level, 60_000)
    return written()
  })
  expect(counts).toEqual([3, 3, 2, 2, 1, 0, 0, 0])
  threshold.change('emerg', 5)
  await until('the end of the change', () => threshold.level === 'info')
  expect(written()).toBe(3)
})

test('sends a change to the workers of all nodes while it holds, with the time that is left', () => {
  let now = 1000
  const registry = openNodeRegistry({ now: () => now })
  const hear = (node: string) =>
    registry.receiveHeartbeat(
      { node, worker: 0, zone: 'z', environment: 'e' },
      { revision: 1, exchanges: 0, spooledBytes: 0 },
    ).logLevel
  expect(hear('a')).toBeUndefined()
  registry.changeLogLevel({ id: 'c', level: 'error', milliseconds: 10_000 })
  now += 4_000
  expect([hear('a'), hear('b')]).toEqual(
    ['a', 'b'].map(() => ({ id: 'c', level: 'error', milliseconds: 6_000 })),
  )
  now += 6_000
  expect(hear('a')).toBeUndefined()
})

test('a change reaches the supervisor, and a control plane that is started later', async () => {
  const weir = await startWeir({ env: { WEIR_WORKERS: '1' } })
  const changed = await weir.admin('PUT', '/debug/node/log-level/crit', { timeout: 3600 })
  expect(changed.status).toBe(200)
  const [control = 0] = weir.children('weir control')
  process.kill(control, 'SIGKILL')
  const shown = await until('the control plane', async () => {
    const answer = await weir.admin('GET', '/debug/node/log-level').catch(() => undefined)
    return answer?.status === 200 && weir.children('weir control')[0] !== control
      ? ((await answer.json()) as unknown)
      : undefined
  })
  expect(shown).toEqual({ message: 'log level: crit' })
  expect(weir.output()).not.toContain('supervisor: process exited')
}, 180_000)

import { expect, test } from 'vitest'
import { startNameServer } from '../../../test/harness/start-name-server.ts'
import { until } from '../../../test/harness/until.ts'
import { openLog } from '../../lib/log.ts'
import { openLookup } from './look-up-name.ts'
import { parseHosts, parseSearch, searchOrder } from './resolver-files.ts'

test('returns all addresses in a stable order with the shortest time to live', async () => {
  const { servers } = await startNameServer({
    'many.test': { a: ['192.0.2.9', '192.0.2.1'], ttl: 17 },
  })
  expect(await openLookup({ servers })('many.test')).toEqual({
    addresses: [
      { host: '192.0.2.1', alternatives: [] },
      { host: '192.0.2.9', alternatives: [] },
    ],
    ttl: 17,
  })
})

test('pairs addresses of both families', async () => {
  const { servers } = await startNameServer({
    'both.test': { a: ['192.0.2.1', '192.0.2.2'], aaaa: ['2001:db8::1'] },
    'six.test': { aaaa: ['2001:db8::2'] },
  })
  const lookUp = openLookup({ servers })
  expect((await lookUp('both.test')).addresses).toEqual([
    { host: '192.0.2.1', alternatives: ['2001:db8::1'] },
    { host: '192.0.2.2', alternatives: ['2001:db8::1'] },
  ])
  expect((await lookUp('six.test')).addresses).toEqual([{ host: '2001:db8::2', alternatives: [] }])
})

test('does not wait for AAAA records when A records are there', async () => {
  const { servers } = await startNameServer({ 'four.test': { a: ['192.0.2.1'], silent: ['aaaa'] } })
  expect((await openLookup({ servers })('four.test')).addresses).toHaveLength(1)
})

test('uses port and weight of the SRV records with the lowest priority number', async () => {
  const { servers } = await startNameServer({
    'service.test': {
      srv: [
        { priority: 1, weight: 30, port: 8001, target: 'one.test' },
        { priority: 1, weight: 0, port: 8002, target: 'two.test' },
        { priority: 2, weight: 99, port: 8003, target: 'one.test' },
      ],
    },
    'one.test': { a: ['192.0.2.1'], ttl: 5 },
    'two.test': { a: ['192.0.2.2'], ttl: 9 },
  })
  expect(await openLookup({ servers })('service.test')).toEqual({
    addresses: [
      {
        host: '192.0.2.1',
        alternatives: [],
        service: { name: 'one.test', port: 8001, weight: 30 },
      },
      { host: '192.0.2.2', alternatives: [], service: { name: 'two.test', port: 8002, weight: 1 } },
    ],
    ttl: 5,
  })
})

test('logs what failed beside an answer that is used', async () => {
  const { servers } = await startNameServer({
    'four.test': { a: ['192.0.2.4'], failing: ['aaaa'] },
    'six.test': { aaaa: ['2001:db8::6'], failing: ['a'] },
    'service.test': {
      srv: [
        { priority: 1, weight: 1, port: 8001, target: 'good.test' },
        { priority: 1, weight: 1, port: 8002, target: 'bad.test' },
      ],
    },
    'good.test': { a: ['192.0.2.1'] },
    'bad.test': { failing: ['a', 'aaaa'] },
  })
  const lines: string[] = []
  const lookUp = openLookup({ servers, log: openLog('test', (line) => void lines.push(line)) })
  const logged = async (count: number): Promise<unknown> => {
    await until('it is logged', () => lines.length >= count)
    const { level, message, host, target, error } = JSON.parse(lines.at(-1) ?? '')
    return { level, message, host, target, hasStack: typeof error.stack === 'string' }
  }
  const common = { level: 'warn', target: undefined, hasStack: true }
  expect((await lookUp('four.test')).addresses).toHaveLength(1)
  const aaaa = 'dns: AAAA lookup failed, A records are used'
  expect(await logged(1)).toEqual({ ...common, message: aaaa, host: 'four.test' })
  expect((await lookUp('six.test')).addresses).toHaveLength(1)
  const a = 'dns: A lookup failed, AAAA records are used'
  expect(await logged(2)).toEqual({ ...common, message: a, host: 'six.test' })
  expect((await lookUp('service.test')).addresses).toHaveLength(1)
  const srv = 'dns: lookup of an SRV target failed'
  expect(await logged(3)).toEqual({
    ...common,
    message: srv,
    host: 'service.test',
    target: 'bad.test',
  })
  expect(lines).toHaveLength(3)
})

test('rejects an unknown name with ENOTFOUND', async () => {
  const { servers } = await startNameServer({})
  await expect(openLookup({ servers })('lost.invalid')).rejects.toMatchObject({ code: 'ENOTFOUND' })
})

test('reads the hosts file before it queries name servers', async () => {
  const { servers, queries } = await startNameServer({})
  const { addresses } = await openLookup({ servers })('localhost')
  expect(addresses.map(({ host }) => host)).toContain('127.0.0.1')
  expect(queries).toEqual([])
})

test('parses hosts and resolv.conf as the system does', () => {
  const hosts = parseHosts('127.0.0.1 localhost lh # loop\n::1 LocalHost\nnonsense here\n')
  expect(hosts.get('localhost')).toEqual({ v4: ['127.0.0.1'], v6: ['::1'] })
  expect(hosts.get('lh')).toEqual({ v4: ['127.0.0.1'], v6: [] })
  const search = parseSearch('search a.test b.test\noptions timeout:1 ndots:2\nnameserver 1.2.3.4')
  expect(searchOrder('svc.ns', search)).toEqual(['svc.ns.a.test', 'svc.ns.b.test', 'svc.ns'])
  expect(searchOrder('x.svc.ns', search)[0]).toBe('x.svc.ns')
  expect(searchOrder('svc.', search)).toEqual(['svc'])
})

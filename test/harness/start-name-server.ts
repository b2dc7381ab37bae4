import { createSocket } from 'node:dgram'
import dns from 'node:dns/promises'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'

/** Records of a name; `silent` types are never answered, `failing` ones with SERVFAIL. */
export type ZoneRecords = {
  readonly a?: readonly string[]
  readonly aaaa?: readonly string[]
  readonly srv?: readonly { priority: number; weight: number; port: number; target: string }[]
  readonly ttl?: number
  readonly silent?: readonly ('a' | 'aaaa' | 'srv')[]
  readonly failing?: readonly ('a' | 'aaaa' | 'srv')[]
}

/** A name server that answers from `zone`, which may change, and a resolver that uses it. */
export type TestNameServer = {
  readonly servers: dns.Resolver
  /** Received queries, as `type name`. */
  readonly queries: string[]
}

const types: Readonly<Record<number, 'a' | 'aaaa' | 'srv'>> = { 1: 'a', 28: 'aaaa', 33: 'srv' }

/** Starts a name server (RFC 1035 over UDP) for the duration of the test. */
export async function startNameServer(
  zone: Readonly<Record<string, ZoneRecords>>,
): Promise<TestNameServer> {
  const queries: string[] = []
  const socket = createSocket('udp4')
  socket.on('message', (message, { port, address }) => {
    const { name, end } = readName(message, 12)
    const type = types[message.readUInt16BE(end)] ?? 'a'
    queries.push(`${type} ${name}`)
    const records = zone[name]
    if (records?.silent?.includes(type) === true) return
    const isFailing = records?.failing?.includes(type) === true
    const answers = records === undefined || isFailing ? [] : dataOf(type, records)
    const head = Buffer.alloc(12)
    message.copy(head, 0, 0, 2)
    head.writeUInt16BE(isFailing ? 0x8182 : records === undefined ? 0x8183 : 0x8180, 2)
    head.writeUInt16BE(1, 4)
    head.writeUInt16BE(answers.length, 6)
    const bodies = answers.map((data) =>
      record(message.readUInt16BE(end), records?.ttl ?? 60, data),
    )
    socket.send(Buffer.concat([head, message.subarray(12, end + 4), ...bodies]), port, address)
  })
  await new Promise<void>((resolve) => void socket.bind(0, '127.0.0.1', resolve))
  onTestFinished(() => void socket.close())
  const servers = new dns.Resolver({ timeout: 600_000, tries: 1 })
  servers.setServers([`127.0.0.1:${(socket.address() as AddressInfo).port}`])
  return { servers, queries }
}

function readName(message: Buffer, start: number): { name: string; end: number } {
  const labels: string[] = []
  let at = start
  for (let length = message[at] ?? 0; length > 0; length = message[at] ?? 0) {
    labels.push(message.toString('latin1', at + 1, at + 1 + length))
    at += length + 1
  }
  return { name: labels.join('.').toLowerCase(), end: at + 1 }
}

function dataOf(type: 'a' | 'aaaa' | 'srv', records: ZoneRecords): Buffer[] {
  if (type === 'a')
    return (records.a ?? []).map((address) => Buffer.from(address.split('.').map(Number)))
  if (type === 'aaaa') return (records.aaaa ?? []).map(bytesOfSix)
  return (records.srv ?? []).map(({ priority, weight, port, target }) => {
    const numbers = Buffer.alloc(6)
    numbers.writeUInt16BE(priority, 0)
    numbers.writeUInt16BE(weight, 2)
    numbers.writeUInt16BE(port, 4)
    return Buffer.concat([numbers, bytesOfName(target)])
  })
}

function bytesOfSix(address: string): Buffer {
  const [left = '', right = ''] = address.split('::')
  const groups = (text: string): string[] => (text === '' ? [] : text.split(':'))
  const missing = 8 - groups(left).length - groups(right).length
  const all = [...groups(left), ...Array.from({ length: missing }, () => '0'), ...groups(right)]
  return Buffer.from(all.map((group) => group.padStart(4, '0')).join(''), 'hex')
}

function bytesOfName(name: string): Buffer {
  const labels = name.split('.').map((label) => [Buffer.from([label.length]), Buffer.from(label)])
  return Buffer.concat([...labels.flat(), Buffer.from([0])])
}

/** The name is a compression pointer to the question section. */
function record(type: number, ttl: number, data: Buffer): Buffer {
  const head = Buffer.alloc(12)
  head.writeUInt16BE(0xc00c, 0)
  head.writeUInt16BE(type, 2)
  head.writeUInt16BE(1, 4)
  head.writeUInt32BE(ttl, 6)
  head.writeUInt16BE(data.length, 10)
  return Buffer.concat([head, data])
}

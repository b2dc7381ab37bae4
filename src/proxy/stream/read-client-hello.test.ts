import { once } from 'node:events'
import net, { type AddressInfo } from 'node:net'
import tls from 'node:tls'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readClientHello } from './read-client-hello.ts'

/** The ClientHello that OpenSSL sends for a name. */
async function helloFor(servername: string): Promise<Buffer> {
  const server = net.createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const connected = once(server, 'connection') as Promise<[net.Socket]>
  const { port } = server.address() as AddressInfo
  const client = tls.connect({ port, host: '127.0.0.1', servername })
  client.on('error', () => undefined)
  const [socket] = await connected
  const [bytes] = (await once(socket, 'data')) as [Buffer]
  client.destroy()
  server.close()
  return bytes
}

const named = await helloFor('Shop.Example.com')
const nameless = await helloFor('')

test('reads the server name when the ClientHello is complete, and not before', () => {
  expect(readClientHello(named)).toEqual({ serverName: 'shop.example.com' })
  expect(readClientHello(nameless)).toEqual({ serverName: undefined })
  for (let length = 1; length < named.length; length += 1)
    expect(readClientHello(named.subarray(0, length))).toBe('more')
})

test('reads a ClientHello that is split into records', () => {
  const size = named.readUInt16BE(3)
  fc.assert(
    fc.property(fc.integer({ min: 1, max: size - 1 }), (cut) => {
      const record = (part: Buffer): Buffer => {
        const head = Buffer.from([22, 3, 1, 0, 0])
        head.writeUInt16BE(part.length, 3)
        return Buffer.concat([head, part])
      }
      const body = named.subarray(5)
      const records = Buffer.concat([record(body.subarray(0, cut)), record(body.subarray(cut))])
      expect(readClientHello(records)).toEqual({ serverName: 'shop.example.com' })
    }),
  )
})

test('never throws for any bytes', () => {
  const spoiled = fc
    .tuple(fc.nat(named.length - 1), fc.integer({ min: 0, max: 255 }))
    .map(([at, byte]) => {
      const bytes = Buffer.from(named)
      bytes[at] = byte
      return bytes
    })
  const any = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes))
  fc.assert(
    fc.property(fc.oneof(spoiled, any), (bytes) => {
      expect(readClientHello(bytes)).toBeDefined()
    }),
    { numRuns: 3000 },
  )
})

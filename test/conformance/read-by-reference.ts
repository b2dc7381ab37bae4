import http, { type IncomingMessage, type ServerResponse } from 'node:http'
import { Duplex } from 'node:stream'

/** A request that Node's parser took from a stream. */
export type ReferenceRequest = {
  readonly method: string
  readonly target: string
  readonly version: string
  /** Names and values, as they came. */
  readonly fields: readonly string[]
  readonly body: string
}

/** What Node's strict parser makes of a stream of bytes. */
export type Reading = {
  /** The requests that came whole, in order. */
  readonly requests: readonly ReferenceRequest[]
  /** The parser's code when it refused the stream from there on, or ''. */
  readonly refusal: string
}

/** Reads request streams with Node's own server, strict, without sockets. */
export type RequestReference = { read(stream: Buffer): Promise<Reading> }

// Its way to say that bytes follow a message which closes the connection: no refusal of what was read.
const afterClose = 'HPE_CLOSED_CONNECTION'

/** Opens the reference for request streams. */
export function openRequestReference(): RequestReference {
  const readings = new WeakMap<Duplex, { requests: ReferenceRequest[]; refusal: string }>()
  const take = (request: IncomingMessage, response: ServerResponse): void => {
    const requests = readings.get(request.socket)?.requests
    let body = ''
    request.on('data', (chunk: Buffer) => (body += chunk.toString('latin1')))
    request.on('error', () => undefined)
    request.on('end', () => {
      const { method = '', url: target = '', httpVersion: version, rawHeaders: fields } = request
      requests?.push({ method, target, version, fields, body })
    })
    response.end()
  }
  const server = http.createServer({
    requireHostHeader: false,
    maxHeaderSize: 1024 * 1024,
    shouldUpgradeCallback: () => false,
  })
  server.maxHeadersCount = 0
  for (const event of ['request', 'checkContinue', 'checkExpectation']) server.on(event, take)
  server.on('clientError', ({ code }: NodeJS.ErrnoException, wire) => {
    const reading = readings.get(wire)
    if (reading !== undefined && code !== afterClose) reading.refusal ||= code ?? 'error'
  })
  return {
    async read(stream) {
      const reading = { requests: [], refusal: '' }
      const wire = new Duplex({
        read: () => undefined,
        write: (_chunk, _encoding, done) => done(),
      })
      readings.set(wire, reading)
      wire.on('error', () => undefined)
      server.emit('connection', wire)
      wire.push(stream)
      await turn()
      readings.delete(wire)
      wire.destroy()
      return reading
    },
  }
}

const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve))

import http, { type IncomingMessage, type ServerResponse } from 'node:http'
import { Duplex } from 'node:stream'

/** A request as parsed by Node. */
export type ReferenceRequest = {
  readonly method: string
  readonly target: string
  readonly version: string
  /** Names and values as sent. */
  readonly fields: readonly string[]
  readonly body: string
}

/** A stream as parsed by Node's strict parser. */
export type Reading = {
  /** Complete requests, in order. */
  readonly requests: readonly ReferenceRequest[]
  /** The error code with which the parser rejected the rest, or ''. */
  readonly refusal: string
}

/** Parses request streams with Node's strict server, without sockets. */
export type RequestReference = { read(stream: Buffer): Promise<Reading> }

// The code for bytes after a message that closes the connection, which does not reject what was parsed.
const afterClose = 'HPE_CLOSED_CONNECTION'

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

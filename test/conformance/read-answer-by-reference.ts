import http from 'node:http'
import { Duplex } from 'node:stream'

/** A response as parsed by Node's strict parser. */
export type AnswerReading = { readonly status: number; readonly body: string } | 'refused'

/** Parses a response to `method` with Node's client, without sockets; `closes` is true when the connection ends after the bytes. */
export async function readAnswerByReference(
  bytes: Buffer,
  method: string,
  closes: boolean,
): Promise<AnswerReading> {
  const wire = new Duplex({ read: () => undefined, write: (_chunk, _encoding, done) => done() })
  const { promise, resolve } = Promise.withResolvers<AnswerReading>()
  const request = http.request({ method, createConnection: () => wire, agent: undefined })
  request.on('error', () => resolve('refused'))
  request.on('upgrade', () => resolve('refused'))
  request.on('response', (response) => {
    let body = ''
    response.on('data', (chunk: Buffer) => (body += chunk.toString('latin1')))
    response.on('error', () => resolve('refused'))
    response.on('end', () => resolve({ status: response.statusCode ?? 0, body }))
  })
  request.end()
  await turn()
  wire.push(bytes)
  await turn()
  if (closes) wire.push(null)
  await turn()
  // A message without an end is incomplete or was rejected after its head.
  resolve('refused')
  const reading = await promise
  wire.destroy()
  return reading
}

const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve))

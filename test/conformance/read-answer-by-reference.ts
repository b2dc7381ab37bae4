import http from 'node:http'
import { Duplex } from 'node:stream'

/** What Node's strict parser makes of the bytes of an answer. */
export type AnswerReading = { readonly status: number; readonly body: string } | 'refused'

/** Reads an answer to `method` with Node's own client, without sockets; `closes` says whether the bytes end there. */
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
  // What has not come to an end by now waits for more, or was refused after its head.
  resolve('refused')
  const reading = await promise
  wire.destroy()
  return reading
}

const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve))

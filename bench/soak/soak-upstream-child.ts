import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'

// An upstream in its own process, so that the soak can kill it.
const large = Buffer.alloc(100_000, 'x')
const volume = 2 * 1024 ** 3
const part = Buffer.alloc(65_536)

function* zeros(): Generator<Buffer> {
  for (let sent = 0; sent < volume; sent += part.length) yield part
}

async function sendVolume(response: ServerResponse): Promise<void> {
  response.setHeader('content-length', volume)
  await pipeline(Readable.from(zeros()), response)
}

async function countUpload(request: IncomingMessage, response: ServerResponse): Promise<void> {
  let received = 0
  for await (const bytes of request as AsyncIterable<Buffer>) received += bytes.length
  response.end(String(received))
}

const answers: Readonly<
  Record<string, (request: IncomingMessage, response: ServerResponse) => unknown>
> = {
  large: (_request, response) => response.end(large),
  slow: (_request, response) => setTimeout(() => response.end('slow'), 20),
  volume: (_request, response) => sendVolume(response).catch(() => response.destroy()),
  upload: (request, response) => countUpload(request, response).catch(() => response.destroy()),
}

const server = createServer((request, response) => {
  const answer = answers[request.url?.split('/').at(-1) ?? '']
  if (answer === undefined) response.end('small')
  else answer(request, response)
})
server.keepAliveTimeout = 600_000
server.listen(Number(process.argv[2]), '127.0.0.1')

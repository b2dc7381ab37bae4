import { once } from 'node:events'
import http, { type IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { rounded, type Row } from '../report.ts'

const size = 2 * 1024 ** 3
const part = Buffer.alloc(65_536)

function* zeros(): Generator<Buffer> {
  for (let sent = 0; sent < size; sent += part.length) yield part
}

/** Sends 2 GiB in each direction and returns the additional memory that this took. */
export async function measureVolume(url: string, memory: () => number): Promise<Row[]> {
  const rows: Row[] = []
  for (const [name, pass] of Object.entries({ upload, download })) {
    const before = memory()
    let most = before
    const watching = setInterval(() => (most = Math.max(most, memory())), 200)
    const startedAt = performance.now()
    const bytes = await pass(url).finally(() => clearInterval(watching))
    const seconds = (performance.now() - startedAt) / 1000
    rows.push({
      case: `2 GiB ${name}`,
      subject: 'weir',
      bytes,
      lost_bytes: size - bytes,
      mb_per_second: rounded(bytes / 1e6 / seconds),
      growth_mb: rounded(most - before),
    })
  }
  return rows
}

/** The bytes that the target received. */
async function upload(url: string): Promise<number> {
  const headers = { 'content-length': String(size) }
  const request = http.request(`${url}/soak/upload`, { method: 'POST', headers, agent: false })
  const answered = once(request, 'response') as Promise<[IncomingMessage]>
  await pipeline(Readable.from(zeros()), request)
  const [response] = await answered
  return Number((await response.toArray()).join(''))
}

async function download(url: string): Promise<number> {
  const request = http.get(`${url}/soak/volume`, { agent: false })
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  let received = 0
  for await (const bytes of response as AsyncIterable<Buffer>) received += bytes.length
  return received
}

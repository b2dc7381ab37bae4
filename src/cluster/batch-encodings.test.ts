import { createServer, request as httpRequest } from 'node:http'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { expect, onTestFinished, test } from 'vitest'
import { enrolment, listen, openTestControl } from '../../test/harness/open-test-control.ts'
import type { Enrolled } from '../schema/node-protocol.ts'
import { openControlClient, type BatchToSend } from './control-client.ts'

const batchOf = (batch: string, content: Buffer): BatchToSend => ({
  batch,
  content,
  form: 'segment',
  isRepeated: false,
})

async function openTest() {
  const batches: [string, string][] = []
  const { url } = await openTestControl({
    async receiveBatch(batch, content) {
      batches.push([batch, String(content)])
      return 700
    },
  })
  return { url, batches }
}

/** Sends a batch as a node does, with an encoding. */
async function putBatch(url: string, encoding: string, content: Buffer) {
  const enrolled = await fetch(`${url}/v1/enrol`, {
    method: 'POST',
    body: JSON.stringify(enrolment),
  })
  const { token } = (await enrolled.json()) as Enrolled
  return await fetch(`${url}/v2/batches/b`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${token}`, 'content-encoding': encoding },
    body: new Uint8Array(content),
  })
}

test('compresses batches for another machine that accepts encodings, and none for its own', async () => {
  const sizes: number[] = []
  const control = await openTest()
  const proxied = await startByteCounter(control.url, (bytes) => sizes.push(bytes))
  const content = Buffer.from('the same again '.repeat(10_000))
  const remote = openControlClient(proxied, enrolment, true)
  for (const batch of ['r-1', 'r-2']) await remote.sendBatch(batchOf(batch, content))
  const local = openControlClient(proxied, enrolment)
  for (const batch of ['l-1', 'l-2']) await local.sendBatch(batchOf(batch, content))
  expect(control.batches).toEqual(
    ['r-1', 'r-2', 'l-1', 'l-2'].map((batch) => [batch, String(content)]),
  )
  expect(sizes.map((bytes) => bytes >= content.length)).toEqual([true, false, true, true])
  await remote.close()
  await local.close()
})

test.each<[string, string, Buffer, number]>([
  ['gzip', 'gzip', gzipSync('events'), 204],
  ['zstd', 'zstd', zstdCompressSync('events'), 204],
  ['a bomb of gzip', 'gzip', gzipSync(Buffer.alloc(16 * 1024 * 1024 + 1)), 413],
  ['a bomb of zstd', 'zstd', zstdCompressSync(Buffer.alloc(16 * 1024 * 1024 + 1)), 413],
  ['what is no gzip', 'gzip', Buffer.from('events'), 422],
  ['what is no zstd', 'zstd', Buffer.from('events'), 422],
  ['an unknown encoding', 'br', Buffer.from('events'), 415],
])('a batch in %s', async (_, encoding, content, status) => {
  const control = await openTest()
  const response = await putBatch(control.url, encoding, content)
  expect(response.status).toBe(status)
  expect(control.batches).toEqual(status === 204 ? [['b', 'events']] : [])
})

/** Forwards requests, and reports the size of each batch. */
async function startByteCounter(url: string, report: (bytes: number) => void): Promise<string> {
  const server = createServer((request, response) => {
    let bytes = 0
    request.on('data', (chunk: Buffer) => (bytes += chunk.length))
    request.on('end', () => request.url?.includes('/batches/') === true && report(bytes))
    const { method, headers } = request
    const forwarded = httpRequest(url + request.url, { method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(response)
    })
    request.pipe(forwarded)
  })
  onTestFinished(() => server.closeAllConnections())
  return await listen(server)
}

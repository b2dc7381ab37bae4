import { once } from 'node:events'
import net, { type AddressInfo } from 'node:net'
import { openRawClient, type RawClient } from '../harness/open-raw-client.ts'
import type { Message } from '../harness/read-messages.ts'
import { answerPath, oddAnswers, type OddAnswer } from './odd-answers.ts'
import { openRandom, type Random } from './open-random.ts'
import { readAnswerByReference, type AnswerReading } from './read-answer-by-reference.ts'
import type { Cases, Disagreement, OpenGateway } from './run-streams.ts'

export type AnswerFindings = {
  readonly cases: number
  /** Responses that their client received completely. */
  readonly whole: number
  readonly disagreements: readonly Disagreement[]
}

type Run = {
  readonly cases: Cases
  next: number
  done: number
  whole: number
  readonly found: Disagreement[]
}

/** Several clients of one gateway request `oddAnswers` from an upstream; compares each response with the result of Node's parser. Stops after ten differences. */
export async function runAnswers(open: OpenGateway, cases: Cases): Promise<AnswerFindings> {
  const upstream = await openHostile()
  const gateway = await open(upstream.port)
  const run: Run = { cases, next: cases.from, done: 0, whole: 0, found: [] }
  await Promise.all(Array.from({ length: cases.lanes }, () => runClient(gateway.port, run)))
  await gateway.close()
  upstream.close()
  return { cases: run.done, whole: run.whole, disagreements: run.found }
}

async function runClient(port: number, run: Run): Promise<void> {
  let wire: RawClient | undefined
  while (run.next < run.cases.from + run.cases.count && run.found.length < 10) {
    const index = run.next++
    const random = openRandom(run.cases.seed, index)
    if (wire !== undefined && wire.answers.length > 1_000) wire.destroy()
    if (wire === undefined || wire.closed) wire = openRawClient(port)
    const complaint = await ask(wire, random, run)
    run.done += 1
    run.cases.onProgress?.(run.done)
    if (complaint === undefined) continue
    run.found.push({ index, ...complaint })
    wire.destroy()
  }
  wire?.destroy()
}

async function ask(
  wire: RawClient,
  random: Random,
  run: Run,
): Promise<Pick<Disagreement, 'words' | 'bytes'> | undefined> {
  const at = random.number(oddAnswers.length)
  const answer = oddAnswers[at] as OddAnswer
  const method = random.pick(['GET', 'GET', 'GET', 'POST', 'HEAD'])
  const id = String.fromCharCode(65 + random.number(26))
  const count = wire.answers.length
  wire.methodOf = () => method
  await wire.send([
    Buffer.from(`${method} ${answerPath(at, id)} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n`),
  ])
  const arrived = await wire.until(() => wire.closed || wire.answers.length > count, 10_000)
  const bytes = Buffer.from(answer.bytes.replaceAll('#', id), 'latin1')
  const expected = await readAnswerByReference(
    withoutSurplus(bytes, method),
    method,
    answer.closes === true,
  )
  const got = wire.answers[count]
  if (got?.whole === true) run.whole += 1
  const words = arrived ? judge(expected, got, wire) : 'no answer and no close came in time'
  if (words === undefined) return undefined
  const told = `${answer.name}, ${method}: ${words}; the client got ${JSON.stringify(got?.start)} ${JSON.stringify(got?.body)}, the reference ${JSON.stringify(expected)}`
  return { words: told, bytes: JSON.stringify(bytes.toString('latin1')) }
}

/** For a response without a body, the last head: bytes after it are not part of it and end the connection. */
function withoutSurplus(bytes: Buffer, method: string): Buffer {
  const text = bytes.toString('latin1')
  const heads = /^(?:HTTP\/1\.1 1\d\d [^]*?\r\n\r\n)*HTTP\/1\.[01] (\d+)[^]*?\r\n\r\n/.exec(text)
  const isBare = method === 'HEAD' || heads?.[1] === '204' || heads?.[1] === '304'
  return heads === null || !isBare ? bytes : bytes.subarray(0, heads[0].length)
}

function judge(
  expected: AnswerReading,
  got: Message | undefined,
  wire: RawClient,
): string | undefined {
  if (wire.complaints[0] !== undefined) return wire.complaints[0]
  if (
    got?.body.includes('LEAK') === true &&
    (expected === 'refused' || !expected.body.includes('LEAK'))
  )
    return 'bytes of another answer'
  if (got === undefined || !got.whole || got.start.startsWith('HTTP/1.1 502')) return undefined
  if (expected === 'refused') return 'an answer that the reference refuses was passed on as whole'
  if (Number(got.start.slice(9, 12)) !== expected.status) return 'another status'
  return got.body === expected.body ? undefined : 'another body'
}

/** An upstream that picks the response by the request path and sends it in pieces. */
async function openHostile(): Promise<{ port: number; close(): void }> {
  const sockets = new Set<net.Socket>()
  const server = net.createServer((socket) => {
    sockets.add(socket)
    let asked = ''
    socket.setNoDelay()
    socket.on('error', () => undefined)
    socket.on('close', () => sockets.delete(socket))
    socket.on('data', (chunk) => {
      asked += chunk.toString('latin1')
      const [, at, id = ''] = /^\w+ \/(\d+)\/(\w) /.exec(asked) ?? []
      if (at === undefined || !asked.endsWith('\r\n\r\n')) return
      asked = ''
      answerIn(socket, oddAnswers[Number(at)] as OddAnswer, id)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    close() {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}

/** Half of the responses are sent in one piece, the others in two. */
function answerIn(socket: net.Socket, { bytes, closes }: OddAnswer, id: string): void {
  const all = Buffer.from(bytes.replaceAll('#', id), 'latin1')
  const cut = id < 'N' ? all.length : Math.floor((all.length * (id.charCodeAt(0) - 77)) / 14)
  socket.write(all.subarray(0, cut))
  setImmediate(() => {
    if (cut < all.length) socket.write(all.subarray(cut))
    if (closes === true) socket.end()
  })
}

import { afterAll, beforeAll, expect, test } from 'vitest'
import { openPlainGateway } from './open-plain-gateway.ts'
import { openRecorder, type Recorder } from './open-recorder.ts'
import { openRawClient } from '../harness/open-raw-client.ts'
import type { OpenedGateway } from './run-streams.ts'
import { hidden, smugglingForms, type SmugglingForm } from './smuggling-forms.ts'

let recorder: Recorder
let gateway: OpenedGateway

beforeAll(async () => {
  recorder = await openRecorder()
  gateway = await openPlainGateway(recorder.port)
})

afterAll(async () => {
  await gateway.close()
  recorder.close()
})

const startsFrom = (serial: number): string[] =>
  recorder.messages.slice(serial).map(({ start }) => start)

/** Sends a form, and a second request on the same connection, which must stay unchanged. */
async function send({ line = 'POST /form HTTP/1.1', bytes }: SmugglingForm) {
  const from = recorder.messages.length
  const [method = ''] = line.split(' ')
  const wire = openRawClient(gateway.port)
  wire.methodOf = (answer) => (answer === 0 ? method : 'GET')
  const text = `${line}\r\nHost: a${bytes.startsWith('\r\n') ? '' : '\r\n'}${bytes}${next}`
  await wire.send([Buffer.from(text, 'latin1')])
  return { wire, from, method }
}

const next = 'GET /next HTTP/1.1\r\nHost: a\r\n\r\n'
const refused = smugglingForms.filter(({ harmless }) => harmless === undefined)
const harmless = smugglingForms.flatMap((form) =>
  form.harmless === undefined ? [] : [{ ...form, ...form.harmless }],
)

test.each(refused)('rejects $name, and sends nothing to the service', async (form) => {
  const { wire, from } = await send(form)
  expect(await wire.until(() => wire.closed), 'the connection is closed').toBe(true)
  expect(wire.answers.map(({ start }) => start)).toEqual([
    expect.stringMatching(/^HTTP\/1\.1 (400|405|501|505) /),
  ])
  expect(startsFrom(from)).toEqual([])
  expect([...wire.complaints, ...recorder.complaints.splice(0)]).toEqual([])
})

test.each(harmless)('accepts $name: $why', async (form) => {
  const { wire, from, method } = await send(form)
  await wire.until(() => wire.answers.length === 2 || wire.closed)
  wire.destroy()
  expect(startsFrom(from)).toEqual([`${method} /form HTTP/1.1`, 'GET /next HTTP/1.1'])
  expect(recorder.messages[from]?.body).toBe(form.body)
  expect([...wire.complaints, ...recorder.complaints.splice(0)]).toEqual([])
})

test('keeps request boundaries after a body on both connections', async () => {
  const before = recorder.messages.length
  const wire = openRawClient(gateway.port)
  const post = `POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: ${hidden.length}\r\n\r\n${hidden}`
  await wire.send([Buffer.from(post.repeat(20) + next)])
  expect(await wire.until(() => wire.answers.length === 21)).toBe(true)
  expect(startsFrom(before)).toEqual([
    ...Array.from({ length: 20 }, () => 'POST /body HTTP/1.1'),
    'GET /next HTTP/1.1',
  ])
  wire.destroy()
})

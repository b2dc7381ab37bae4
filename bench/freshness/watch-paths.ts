import type { Answer, Push } from '../../src/schema/answer.ts'
import type { QueryInput } from '../../src/schema/query.ts'
import type { Weir } from '../start-weir.ts'

/** The watched query: the newest requests, as the latest-requests table queries them. */
const question: QueryInput = {
  dimensions: ['requests.time', 'requests.path', 'requests.status'],
  ungrouped: true,
  timeDimensions: [{ dimension: 'requests.time', dateRange: 'last 5 minutes' }],
  filters: [{ member: 'requests.path', operator: 'startsWith', values: ['/sample/'] }],
  order: { 'requests.time': 'desc' },
  limit: 50,
}

/** Records when each path below `/sample/` first occurs in the pushed rows, by `performance.now`. */
export async function watchPaths(
  weir: Weir,
  seen: Map<string, number>,
  signal: AbortSignal,
): Promise<void> {
  const response = await weir.ask('/subscribe', { queries: { latest: question } }, signal)
  if (!response.ok || response.body === null)
    throw new Error(`The subscription was answered ${response.status} ${await response.text()}`)
  for await (const push of readPushes(response.body)) {
    const now = performance.now()
    for (const path of pathsOf(push)) if (!seen.has(path)) seen.set(path, now)
  }
}

function pathsOf(push: Push): string[] {
  if ('problem' in push) throw new Error(`The question was refused: ${push.problem.message}`)
  const { data }: Answer = push.answer
  return data.map((row) => String(row['requests.path']))
}

/** Reads the `data:` lines of a text/event-stream. */
async function* readPushes(body: AsyncIterable<Uint8Array>): AsyncGenerator<Push> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of body) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split(/\r?\n/)
    rest = lines.pop() ?? ''
    for (const line of lines) {
      if (line.startsWith('data:')) yield JSON.parse(line.slice(5)) as Push
    }
  }
}

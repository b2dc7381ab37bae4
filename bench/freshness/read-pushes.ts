import type { Push } from '../../src/schema/answer.ts'

/** The messages of a text/event-stream, each from its `data:` line. */
export async function* readPushes(body: AsyncIterable<Uint8Array>): AsyncGenerator<Push> {
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

import { Problem } from '../../lib/problem.ts'
import type { RequestBody } from '../../proxy/exchange.ts'

/** What a gateway keeps of a body, so that it can be read and then forwarded. */
const largest = 65_536

/** The whole body as text; refuses one that could not be forwarded after it was read. */
export async function readBody(body: RequestBody): Promise<string> {
  if ((body.length ?? 0) > largest) throw tooLarge()
  const parts: Buffer[] = []
  let size = 0
  for await (const part of body.open()) {
    parts.push(part as Buffer)
    size += (part as Buffer).length
    if (size > largest) throw tooLarge()
  }
  return Buffer.concat(parts).toString('utf8')
}

const tooLarge = (): Problem =>
  new Problem('request-validator.too_large', 413, 'A body that is validated has at most 64 KiB')

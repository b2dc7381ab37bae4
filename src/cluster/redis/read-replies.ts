/** A reply of Redis: text, number, list or nothing; an error is a value, because others may follow it. */
export type RedisReply = string | number | null | RedisError | readonly RedisReply[]

/** An error that Redis replied. */
export class RedisError extends Error {}

/** Splits the bytes of a connection into replies of RESP2 (https://redis.io/docs/latest/develop/reference/protocol-spec/). Throws for anything else. */
export function openReplyReader(onReply: (reply: RedisReply) => void) {
  let rest: Buffer = Buffer.alloc(0)
  return (bytes: Buffer): void => {
    rest = rest.length === 0 ? bytes : Buffer.concat([rest, bytes])
    if (rest.length > maxBytes) throw new TypeError('a reply of Redis is too long')
    for (;;) {
      const parsed = parseReply(rest, 0, 0)
      if (parsed === undefined) return
      rest = rest.subarray(parsed.end)
      onReply(parsed.reply)
    }
  }
}

/** Far more than any reply that counters need. */
const maxBytes = 16 * 1024 * 1024
const maxDepth = 8

type Parsed = { readonly reply: RedisReply; readonly end: number }

/** The reply at an offset; undefined while it is incomplete. */
function parseReply(bytes: Buffer, at: number, depth: number): Parsed | undefined {
  const lineEnd = bytes.indexOf('\r\n', at)
  if (lineEnd < 0) return undefined
  const kind = bytes.toString('latin1', at, at + 1)
  const text = bytes.toString('utf8', at + 1, lineEnd)
  const end = lineEnd + 2
  switch (kind) {
    case '+':
      return { reply: text, end }
    case '-':
      return { reply: new RedisError(text), end }
    case ':':
      return { reply: numberIn(text), end }
    case '$': {
      const length = numberIn(text)
      if (length < 0) return { reply: null, end }
      if (bytes.length < end + length + 2) return undefined
      return { reply: bytes.toString('utf8', end, end + length), end: end + length + 2 }
    }
    case '*': {
      const length = numberIn(text)
      if (length < 0) return { reply: null, end }
      if (depth === maxDepth) throw new TypeError('a reply of Redis is nested too deeply')
      return parseList(bytes, end, length, depth)
    }
    default:
      throw new TypeError('the server does not answer as Redis does')
  }
}

function parseList(bytes: Buffer, at: number, length: number, depth: number): Parsed | undefined {
  const list: RedisReply[] = []
  let end = at
  for (let index = 0; index < length; index += 1) {
    const parsed = parseReply(bytes, end, depth + 1)
    if (parsed === undefined) return undefined
    list.push(parsed.reply)
    end = parsed.end
  }
  return { reply: list, end }
}

function numberIn(text: string): number {
  if (!/^-?\d{1,15}$/.test(text)) throw new TypeError('the server does not answer as Redis does')
  return Number(text)
}

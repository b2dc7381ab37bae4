/** An HTTP/1.1 message. */
export type Message = {
  /** The request line or the status line. */
  readonly start: string
  /** Field names in lower case, each before its value. */
  readonly fields: readonly string[]
  /** Body bytes, chunk framing removed, as Latin-1. */
  readonly body: string
  /** False when the connection ended before the message did. */
  readonly whole: boolean
}

/** The body delimiting that follows from the context; `by fields` leaves it to the fields. */
export type BodyRule = 'by fields' | 'none' | 'until close'

/** Parses messages incrementally. */
export type MessageReader = {
  /** Throws for anything that is not canonical. */
  feed(chunk: Buffer): void
  /** Signals the end of the input. */
  end(): void
}

export type MessageEvents = {
  /** Framing of the body after this start line and these fields. */
  readonly ruleOf: (start: string, fields: readonly string[]) => BodyRule
  readonly onMessage: (message: Message) => void
}

type State = 'head' | 'length' | 'close' | 'chunk size' | 'chunk' | 'chunk end' | 'trailers'

/** The value of the first field of that name, or undefined. */
export function fieldOf(fields: readonly string[], name: string): string | undefined {
  for (let at = 0; at < fields.length; at += 2) if (fields[at] === name) return fields[at + 1]
  return undefined
}

/** Accepts canonical messages only: one length, CRLF, tokens as names, no folding, no control characters, plain hexadecimal chunk sizes. */
export function openMessageReader({ ruleOf, onMessage }: MessageEvents): MessageReader {
  let rest = ''
  let state: State = 'head'
  let start = ''
  let fields: string[] = []
  let body: string[] = []
  let missing = 0

  const finish = (whole: boolean): void => {
    onMessage({ start, fields, body: body.join(''), whole })
    state = 'head'
    body = []
  }
  const steps: Readonly<Record<State, () => boolean>> = {
    head() {
      const end = rest.indexOf('\r\n\r\n')
      if (end < 0) return false
      const lines = rest.slice(0, end).split('\r\n')
      rest = rest.slice(end + 4)
      start = checkText(lines[0] ?? '')
      fields = lines.slice(1).flatMap(readField)
      const rule = ruleOf(start, fields)
      missing = readLength(fields)
      state = stateAfterHead(rule, fields)
      if (rule === 'none' || (state === 'length' && missing === 0)) finish(true)
      return true
    },
    length: () => take('head'),
    close() {
      body.push(rest)
      rest = ''
      return false
    },
    'chunk size'() {
      const line = takeLine()
      if (line === undefined) return false
      if (!/^[0-9A-Fa-f]{1,8}$/.test(line)) throw new Error(`chunk size ${JSON.stringify(line)}`)
      missing = Number.parseInt(line, 16)
      state = missing === 0 ? 'trailers' : 'chunk'
      return true
    },
    chunk: () => take('chunk end'),
    'chunk end'() {
      if (rest.length < 2) return false
      if (!rest.startsWith('\r\n')) throw new Error('a chunk is not followed by CRLF')
      rest = rest.slice(2)
      state = 'chunk size'
      return true
    },
    trailers() {
      const line = takeLine()
      if (line === undefined) return false
      if (line === '') finish(true)
      else readField(line)
      return true
    },
  }

  function take(next: 'head' | 'chunk end'): boolean {
    const part = rest.slice(0, missing)
    if (part === '') return false
    rest = rest.slice(part.length)
    body.push(part)
    missing -= part.length
    if (missing > 0) return false
    if (next === 'head') finish(true)
    else state = next
    return true
  }

  function takeLine(): string | undefined {
    const end = rest.indexOf('\r\n')
    if (end < 0) return undefined
    const line = rest.slice(0, end)
    rest = rest.slice(end + 2)
    return line
  }

  return {
    feed(chunk) {
      rest = rest === '' ? chunk.toString('latin1') : rest + chunk.toString('latin1')
      while (rest !== '' && steps[state]());
    },
    end() {
      if (state !== 'head') finish(state === 'close')
      else if (rest !== '') throw new Error(`the bytes end inside a head: ${JSON.stringify(rest)}`)
    },
  }
}

function stateAfterHead(rule: BodyRule, fields: readonly string[]): State {
  if (rule === 'none') return 'head'
  if (fieldOf(fields, 'transfer-encoding') !== undefined) return 'chunk size'
  return rule === 'until close' && fieldOf(fields, 'content-length') === undefined
    ? 'close'
    : 'length'
}

/** The declared length; throws when the message has several length or coding fields. */
function readLength(fields: readonly string[]): number {
  const valuesOf = (name: string): string[] =>
    fields.filter((_, at) => at % 2 === 1 && fields[at - 1] === name)
  const lengths = valuesOf('content-length')
  const codings = valuesOf('transfer-encoding')
  if (lengths.length + codings.length > 1)
    throw new Error(`lengths ${JSON.stringify(lengths)}, codings ${JSON.stringify(codings)}`)
  const [length = '0'] = lengths
  const [coding = 'chunked'] = codings
  if (coding !== 'chunked' || !/^\d{1,15}$/.test(length))
    throw new Error(`length ${JSON.stringify(length)}, coding ${JSON.stringify(coding)}`)
  return Number(length)
}

function readField(line: string): [string, string] {
  const found = /^([!#$%&'*+.^_`|~\w-]+): ?(.*)$/s.exec(checkText(line))
  const [, name = '', value = ''] = found ?? []
  if (found === null || /^[\t ]|[\t ]$/.test(value))
    throw new Error(`field line ${JSON.stringify(line)}`)
  return [name.toLowerCase(), value]
}

function checkText(line: string): string {
  // eslint-disable-next-line no-control-regex
  if (/[\0-\x08\n-\x1f\x7f]/.test(line))
    throw new Error(`control characters in ${JSON.stringify(line)}`)
  return line
}

import { oddChunkEnds, oddChunkLines, oddCodings, oddLengths, oddTails } from './odd-bodies.ts'
import { oddFields, oddHosts, oddLeads, oddLines } from './odd-heads.ts'
import type { OddPart } from './odd-parts.ts'
import type { Random } from './open-random.ts'

/** Bytes of a client, with the names of their oddities. */
export type Stream = {
  readonly bytes: Buffer
  /** The same bytes for Node's parser, with replacements for legal forms that it rejects. */
  readonly plainBytes: Buffer
  /** The pieces in which the bytes are sent. */
  readonly pieces: readonly Buffer[]
  readonly traits: ReadonlySet<string>
}

/** The target of the well-formed request that ends every stream. */
export const lastTarget = '/last'

const lastRequest = `GET ${lastTarget} HTTP/1.1\r\nHost: a\r\n\r\n`

type Draft = {
  readonly random: Random
  readonly traits: Set<string>
  messages: number
  /** Texts that are replaced for the reference; the draft has one placeholder character for each. */
  readonly swaps: { readonly text: string; readonly plain: string }[]
}

// Beyond Latin-1, so that no text contains it.
const firstSign = 0xe000

/** Builds a stream of one to four requests: most are well-formed, some have one or two oddities, a few have random damage; the last one is well-formed. */
export function buildStream(random: Random): Stream {
  const draft: Draft = { random, traits: new Set(), messages: 0, swaps: [] }
  const count = 1 + random.number(random.chance(0.3) ? 4 : 2)
  let text = ''
  for (let at = 0; at < count; at += 1) text += buildRequest(draft)
  if (draft.swaps.length === 0 && random.chance(0.05)) text = damage(text, draft)
  const bytes = render(text + lastRequest, draft, 'text')
  const plainBytes = draft.swaps.length === 0 ? bytes : render(text + lastRequest, draft, 'plain')
  return { bytes, plainBytes, pieces: cut(bytes, random), traits: draft.traits }
}

function render(text: string, { swaps }: Draft, words: 'text' | 'plain'): Buffer {
  const said = swaps.reduce(
    (rest, swap, at) => rest.replace(String.fromCharCode(firstSign + at), () => swap[words]),
    text,
  )
  return Buffer.from(said, 'latin1')
}

function buildRequest(draft: Draft): string {
  const { random } = draft
  const path = `/m${(draft.messages += 1)}`
  const oddity = random.chance(0.45) ? random.number(10) : -1
  const lead = oddity === 0 ? odd(draft, oddLeads) : ''
  const line = oddity === 1 || oddity === 2 ? odd(draft, oddLines) : plainLine(random)
  const host = oddity === 3 ? odd(draft, oddHosts) : 'Host: a.example\r\n'
  const fields = [`X-Probe: ${draft.messages}`]
  if (oddity === 4 || oddity === 5 || random.chance(0.1)) fields.push(odd(draft, oddFields))
  const [framing, body] = oddity >= 6 ? oddBody(draft) : plainBody(draft)
  if (framing !== '') fields.splice(random.number(fields.length + 1), 0, framing)
  const end = random.chance(0.01) ? note(draft, { trait: 'bare line end', text: '\n' }) : '\r\n'
  return `${lead}${placed(line, path)}${end}${host}${fields.join(end)}${end}${end}${body}`
}

function placed(line: string, path: string): string {
  const place = line.lastIndexOf('@')
  return place < 0 ? line : line.slice(0, place) + path + line.slice(place + 1)
}

const plainLine = (random: Random): string =>
  `${random.pick(['GET', 'GET', 'POST', 'POST', 'PUT', 'DELETE', 'HEAD', 'OPTIONS', 'PATCH'])} @${random.chance(0.2) ? '?a=1&b=%20' : ''} HTTP/1.1`

function plainBody(draft: Draft): [framing: string, body: string] {
  const { random } = draft
  if (random.chance(0.4)) return ['', '']
  const content = buildContent(draft)
  if (random.chance(0.5)) return [`Content-Length: ${content.length}`, content]
  return ['Transfer-Encoding: chunked', `${chunk(content, random).join('')}0\r\n\r\n`]
}

/** A body with odd length fields or odd chunks. */
function oddBody(draft: Draft): [framing: string, body: string] {
  const { random } = draft
  const content = buildContent(draft)
  const chunks = chunk(content, random)
  const chunked = `${chunks.join('')}0\r\n\r\n`
  const kind = random.number(6)
  if (kind === 0) {
    const framing = odd(draft, oddLengths).replaceAll('#', String(content.length))
    return [framing, random.chance(0.5) ? content : chunked]
  }
  if (kind === 1) return [odd(draft, oddCodings), random.chance(0.8) ? chunked : content]
  if (kind === 2) {
    draft.traits.add('wrong length')
    return [`Content-Length: ${Math.max(0, content.length + random.number(7) - 3)}`, content]
  }
  if (kind === 3) return ['Transfer-Encoding: chunked', chunks.join('') + odd(draft, oddTails)]
  const at = random.number(chunks.length)
  chunks[at] = spoil(chunks[at] ?? '', kind === 4, draft)
  return ['Transfer-Encoding: chunked', `${chunks.join('')}0\r\n\r\n`]
}

/** A chunk with an odd size line or an odd end. */
function spoil(chunk: string, line: boolean, draft: Draft): string {
  if (!line)
    return (
      chunk.slice(0, -2) +
      note(draft, { trait: 'odd chunk', text: draft.random.pick(oddChunkEnds) })
    )
  const size = chunk.split('\r\n', 1)[0] ?? ''
  return odd(draft, oddChunkLines, size) + chunk.slice(size.length + 2)
}

/** A body: empty, short, or bytes that look like a request. */
function buildContent(draft: Draft): string {
  const { random } = draft
  const kind = random.number(10)
  if (kind === 0) return ''
  if (kind < 4)
    return `GET /inside${(draft.messages += 1)} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n`
  if (kind === 4) return '0\r\n\r\n'
  if (kind === 5)
    return String.fromCharCode(...Array.from({ length: 40 }, () => random.number(256)))
  if (kind === 6) return 'x'.repeat(random.number(20_000))
  return 'abcdefghij'.slice(random.number(10))
}

function chunk(content: string, random: Random): string[] {
  const chunks: string[] = []
  for (let at = 0; at < content.length;) {
    const size = Math.min(content.length - at, 1 + random.number(content.length))
    const told = random.chance(0.2) ? size.toString(16).toUpperCase() : size.toString(16)
    chunks.push(`${told}\r\n${content.slice(at, at + size)}\r\n`)
    at += size
  }
  return chunks
}

const odd = (draft: Draft, list: readonly OddPart[], size = '#'): string =>
  note(draft, draft.random.pick(list), size)

/** The text of the part, or its placeholder. */
function note(draft: Draft, { trait, text, plain }: OddPart, size = '#'): string {
  draft.traits.add(trait)
  if (plain === undefined) return text.replace('#', size)
  draft.swaps.push({ text: text.replace('#', size), plain: plain.replace('#', size) })
  return String.fromCharCode(firstSign + draft.swaps.length - 1)
}

const sharp = ['\0', '\t', '\n', '\v', '\r', ' ', ':', ',', ';', '0', '1', '\x7f', '\xff', '\r\n']

/** Removes, doubles or replaces one byte. */
function damage(text: string, draft: Draft): string {
  const { random } = draft
  draft.traits.add('damage')
  const at = random.number(text.length)
  const instead = random.pick(['', random.pick(sharp), (text[at] ?? '') + random.pick(sharp)])
  return text.slice(0, at) + instead + text.slice(at + 1)
}

function cut(bytes: Buffer, random: Random): Buffer[] {
  const kind = random.number(10)
  if (kind < 4) return [bytes]
  const every = kind === 4 && bytes.length < 400 ? 1 : Math.max(1, Math.floor(bytes.length / 5))
  const pieces: Buffer[] = []
  for (let at = 0; at < bytes.length;) {
    const next = every === 1 ? at + 1 : at + 1 + random.number(every * 2)
    pieces.push(bytes.subarray(at, next))
    at = next
  }
  return pieces
}

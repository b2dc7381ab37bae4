/** A known request-smuggling technique. */
export type SmugglingForm = {
  readonly name: string
  /** Everything after the request line: fields, empty line, body. `HIDDEN` is the smuggled request. */
  readonly bytes: string
  /** Default: a POST. */
  readonly line?: string
  /** Why the form is accepted, and what its body is then; forms without it must be rejected. */
  readonly harmless?: { readonly why: string; readonly body: string }
}

/** The request that must never reach the service. */
export const hidden = 'GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n'

const length = String(hidden.length)
const chunkedHidden = `0\r\n\r\n${hidden}`
const wrapped = `${hidden.length.toString(16)}\r\n${hidden}\r\n0\r\n\r\n`

/** A Transfer-Encoding that only some servers treat as `chunked`, before a body that hides a request from the others. */
const coding = (name: string, field: string): SmugglingForm => ({
  name: `TE.TE: ${name}`,
  bytes: `${field}\r\n\r\n${chunkedHidden}`,
})

/** The same with a Content-Length that covers the whole body. */
const beside = (name: string, field: string): SmugglingForm => ({
  name: `CL.TE: ${name}`,
  bytes: `Content-Length: ${chunkedHidden.length}\r\n${field}\r\n\r\n${chunkedHidden}`,
})

const chunkLine = (name: string, line: string): SmugglingForm => ({
  name: `chunk: ${name}`,
  bytes: `Transfer-Encoding: chunked\r\n\r\n${line}${hidden}\r\n0\r\n\r\n`,
})

const size = hidden.length.toString(16)

export const smugglingForms: readonly SmugglingForm[] = [
  {
    name: 'CL.TE: both, the length long',
    bytes: `Content-Length: ${chunkedHidden.length}\r\nTransfer-Encoding: chunked\r\n\r\n${chunkedHidden}`,
  },
  {
    name: 'TE.CL: both, the length short',
    bytes: `Transfer-Encoding: chunked\r\nContent-Length: ${size.length + 2}\r\n\r\n${wrapped}`,
  },
  beside('space before the colon', 'Transfer-Encoding : chunked'),
  beside('tab before the colon', 'Transfer-Encoding\t: chunked'),
  beside('vertical tab before the value', 'Transfer-Encoding: \x0bchunked'),
  beside('form feed before the value', 'Transfer-Encoding: \x0cchunked'),
  beside('NUL before the colon', 'Transfer-Encoding\0: chunked'),
  beside('leading space', ' Transfer-Encoding: chunked'),
  beside('after a bare LF', 'X: a\nTransfer-Encoding: chunked'),
  beside('after a bare CR', 'X: a\rTransfer-Encoding: chunked'),
  beside('after LF CR', 'X: a\n\rTransfer-Encoding: chunked'),
  beside('folded name and value', 'Transfer-Encoding:\r\n chunked'),
  beside('folded in the value', 'Transfer-Encoding: chun\r\n ked'),
  beside('unknown coding', 'Transfer-Encoding: xchunked'),
  beside('identity', 'Transfer-Encoding: identity'),
  beside('empty coding', 'Transfer-Encoding:'),
  beside('no-break space', 'Transfer-Encoding:\xa0chunked'),
  {
    name: 'CL.TE: underscore in the name',
    bytes: `Content-Length: ${chunkedHidden.length}\r\nTransfer_Encoding: chunked\r\n\r\n${chunkedHidden}`,
    harmless: {
      why: 'it is another field; only Content-Length frames the body',
      body: chunkedHidden,
    },
  },
  {
    name: 'CL.TE: named by Connection',
    bytes: `Connection: Transfer-Encoding\r\nTransfer-Encoding: chunked\r\n\r\n${wrapped}`,
    harmless: {
      why: 'framing fields apply to one hop and are rewritten for the next',
      body: hidden,
    },
  },
  {
    name: 'CL.0: length named by Connection',
    bytes: `Connection: Content-Length\r\nContent-Length: ${length}\r\n\r\n${hidden}`,
    harmless: {
      why: 'framing fields apply to one hop and are rewritten for the next',
      body: hidden,
    },
  },
  coding('chunked twice in one field', 'Transfer-Encoding: chunked, chunked'),
  coding('chunked in two fields', 'Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked'),
  coding('chunked, identity', 'Transfer-Encoding: chunked, identity'),
  coding('identity, chunked', 'Transfer-Encoding: identity, chunked'),
  coding('chunked, then another field', 'Transfer-Encoding: chunked\r\nTransfer-encoding: x'),
  coding('another field, then chunked', 'Transfer-encoding: x\r\nTransfer-Encoding: chunked'),
  coding('leading comma', 'Transfer-Encoding: ,chunked'),
  coding('trailing comma', 'Transfer-Encoding: chunked,'),
  coding('quoted', 'Transfer-Encoding: "chunked"'),
  coding('in apostrophes', "Transfer-Encoding: 'chunked'"),
  coding('with a parameter', 'Transfer-Encoding: chunked;q=1'),
  coding('with a second word', 'Transfer-Encoding: chunked x'),
  coding('gzip alone', 'Transfer-Encoding: gzip'),
  coding('NUL after the value', 'Transfer-Encoding: chunked\0'),
  coding('no-break space before the value', 'Transfer-Encoding: \xa0chunked'),
  coding('no-break space after the value', 'Transfer-Encoding: chunked\xa0'),
  coding('next-line sign before the value', 'Transfer-Encoding: \x85chunked'),
  coding('dotted letter in the value', 'Transfer-Encoding: chun\xeded'),
  coding('space before the colon', 'Transfer-Encoding : chunked'),
  coding('vertical tab before the value', 'Transfer-Encoding: \x0bchunked'),
  coding('vertical tab after the value', 'Transfer-Encoding: chunked\x0b'),
  {
    name: 'TE.0: space in the name',
    bytes: `Transfer Encoding: chunked\r\n\r\n${wrapped}`,
  },
  {
    name: 'TE.TE: HTTP/1.0 with chunks',
    line: 'POST /form HTTP/1.0',
    bytes: `Transfer-Encoding: chunked\r\n\r\n${chunkedHidden}`,
  },
  {
    name: 'CL.CL: two lengths',
    bytes: `Content-Length: 0\r\nContent-Length: ${length}\r\n\r\n${hidden}`,
  },
  { name: 'CL.CL: two in one field', bytes: `Content-Length: 0, ${length}\r\n\r\n${hidden}` },
  {
    name: 'CL.CL: twice the same',
    bytes: `Content-Length: ${length}\r\nContent-Length: ${length}\r\n\r\n${hidden}`,
  },
  {
    name: 'CL.CL: twice the same in one field',
    bytes: `Content-Length: ${length}, ${length}\r\n\r\n${hidden}`,
  },
  { name: 'CL.0: sign', bytes: `Content-Length: +${length}\r\n\r\n${hidden}` },
  { name: 'CL.0: negative', bytes: `Content-Length: -1\r\n\r\n${hidden}` },
  { name: 'CL.0: hexadecimal', bytes: `Content-Length: 0x${size}\r\n\r\n${hidden}` },
  { name: 'CL.0: underscore', bytes: `Content-Length: 3_3\r\n\r\n${hidden}` },
  { name: 'CL.0: exponent', bytes: `Content-Length: 3e1\r\n\r\n${hidden}` },
  { name: 'CL.0: decimals', bytes: `Content-Length: ${length}.0\r\n\r\n${hidden}` },
  { name: 'CL.0: empty', bytes: `Content-Length:\r\n\r\n${hidden}` },
  { name: 'CL.0: beyond 64 bits', bytes: `Content-Length: 18446744073709551616\r\n\r\n${hidden}` },
  { name: 'CL.0: beyond 53 bits', bytes: `Content-Length: 9007199254740993\r\n\r\n${hidden}` },
  { name: 'CL.0: space before the colon', bytes: `Content-Length : ${length}\r\n\r\n${hidden}` },
  { name: 'CL.0: folded', bytes: `Content-Length:\r\n ${length}\r\n\r\n${hidden}` },
  { name: 'CL.0: vertical tab', bytes: `Content-Length: \x0b${length}\r\n\r\n${hidden}` },
  { name: 'CL.0: no-break space', bytes: `Content-Length: \xa0${length}\r\n\r\n${hidden}` },
  { name: 'CL.0: superscript digits', bytes: `Content-Length: \xb2\xb3\r\n\r\n${hidden}` },
  { name: 'CL.0: NUL in the name', bytes: `Content-Length\0: ${length}\r\n\r\n${hidden}` },
  { name: 'CL.0: after a bare LF', bytes: `X: a\nContent-Length: ${length}\r\n\r\n${hidden}` },
  {
    name: 'CL.0: a GET with a body',
    line: 'GET /form HTTP/1.1',
    bytes: `Content-Length: ${length}\r\n\r\n${hidden}`,
    harmless: { why: 'a body is forwarded for every method', body: hidden },
  },
  {
    name: 'CL.0: a HEAD with a body',
    line: 'HEAD /form HTTP/1.1',
    bytes: `Content-Length: ${length}\r\n\r\n${hidden}`,
    harmless: { why: 'a body is forwarded for every method', body: hidden },
  },
  {
    name: '0.CL: Expect with a body that does not wait',
    bytes: `Expect: 100-continue\r\nContent-Length: ${length}\r\n\r\n${hidden}`,
    harmless: {
      why: 'the gateway meets the expectation, and reads the body by its length',
      body: hidden,
    },
  },
  {
    name: '0.CL: odd Expect',
    bytes: `Expect: y 100-continue\r\nContent-Length: ${length}\r\n\r\n${hidden}`,
    harmless: { why: 'an unknown expectation does not affect framing', body: hidden },
  },
  {
    name: 'h2c: upgrade with a body',
    bytes: `Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\nContent-Length: ${length}\r\n\r\n${hidden}`,
    harmless: {
      why: 'the gateway removes Upgrade, so the service cannot switch protocols',
      body: hidden,
    },
  },
  {
    name: 'WebSocket: upgrade with a body',
    line: 'GET /form HTTP/1.1',
    bytes: `Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: ${length}\r\n\r\n${hidden}`,
    harmless: { why: 'without a switch of protocols the body is forwarded', body: hidden },
  },
  chunkLine('hexadecimal prefix', `0x${size}\r\n`),
  chunkLine('sign', `+${size}\r\n`),
  chunkLine('leading space', ` ${size}\r\n`),
  chunkLine('trailing space', `${size} \r\n`),
  chunkLine('trailing NUL', `${size}\0\r\n`),
  chunkLine('underscore', `0_${size}\r\n`),
  chunkLine('bare LF', `${size}\n`),
  chunkLine('bare CR', `${size}\r`),
  chunkLine('CR CR LF', `${size}\r\r\n`),
  chunkLine('bare LF in an extension', `${size};a\nb\r\n`),
  chunkLine('bare LF after an extension', `${size};a\n`),
  chunkLine('bare CR in an extension', `${size};a\rb\r\n`),
  chunkLine('NUL in an extension', `${size};a\0b\r\n`),
  chunkLine('size beyond 64 bits', `1${'0'.repeat(16)}${size}\r\n`),
  chunkLine('empty size', '\r\n'),
  chunkLine('extension without size', ';a\r\n'),
  {
    name: 'chunk: bytes without their CRLF',
    bytes: `Transfer-Encoding: chunked\r\n\r\n2\r\nab0\r\n\r\n${hidden}`,
  },
  {
    name: 'chunk: two signs instead of CRLF',
    bytes: `Transfer-Encoding: chunked\r\n\r\n2\r\nabxx0\r\n\r\n${hidden}`,
  },
  {
    name: 'chunk: bytes that end with LF',
    bytes: `Transfer-Encoding: chunked\r\n\r\n2\r\nab\n0\r\n\r\n${hidden}`,
  },
  {
    name: 'chunk: last chunk with bare LF',
    bytes: `Transfer-Encoding: chunked\r\n\r\n0\n\n${hidden}`,
  },
  {
    name: 'chunk: last empty line with bare LF',
    bytes: `Transfer-Encoding: chunked\r\n\r\n0\r\n\n${hidden}`,
  },
  {
    name: 'chunk: last empty line with bare CR',
    bytes: `Transfer-Encoding: chunked\r\n\r\n0\r\n\r${hidden}`,
  },
  { name: 'trailer: a request line', bytes: `Transfer-Encoding: chunked\r\n\r\n0\r\n${hidden}` },
  {
    name: 'trailer: folded',
    bytes: `Transfer-Encoding: chunked\r\n\r\n0\r\nX: a\r\n b\r\n\r\n${hidden}`,
  },
  {
    name: 'trailer: Content-Length',
    bytes: `Transfer-Encoding: chunked\r\n\r\n${size}\r\n${hidden}\r\n0\r\nContent-Length: 3\r\nTransfer-Encoding: x\r\n\r\n`,
    harmless: { why: 'trailers do not affect framing', body: hidden },
  },
  { name: 'head: no colon', bytes: `Content-Length ${length}\r\n\r\n${hidden}` },
  { name: 'head: empty name', bytes: `: a\r\nContent-Length: 0\r\n\r\n${hidden}` },
  { name: 'head: ends with bare LF', bytes: `Content-Length: 0\r\n\n${hidden}` },
  { name: 'head: lines end with bare LF', bytes: `Content-Length: 0\n\n${hidden}` },
  { name: 'head: ends with CR CR LF', bytes: `Content-Length: 0\r\n\r\r\n${hidden}` },
  {
    name: 'head: first field after white space',
    bytes: ` X: a\r\nContent-Length: 0\r\n\r\n${hidden}`,
  },
  { name: 'head: CR in a value', bytes: `X: a\r\r\nContent-Length: 0\r\n\r\n${hidden}` },
  { name: 'head: second Host', bytes: `Host: b\r\nContent-Length: 0\r\n\r\n${hidden}` },
  { name: 'line: CONNECT', line: 'CONNECT a:80 HTTP/1.1', bytes: `\r\n${hidden}` },
  { name: 'line: HTTP/0.9', line: 'GET /form', bytes: `\r\n${hidden}` },
  { name: 'line: HTTP/1.1 twice', line: 'GET /form HTTP/1.1 HTTP/1.1', bytes: `\r\n${hidden}` },
  { name: 'line: NUL in the target', line: 'GET /fo\0rm HTTP/1.1', bytes: `\r\n${hidden}` },
  { name: 'line: bare CR', line: 'GET /form\rHTTP/1.1', bytes: `\r\n${hidden}` },
]

/** Response bytes; `#` stands for the id of the request. */
export type OddAnswer = {
  readonly name: string
  readonly bytes: string
  /** Whether the upstream closes the connection afterwards. */
  readonly closes?: boolean
}

const ok = (name: string, rest: string): OddAnswer => ({
  name,
  bytes: `HTTP/1.1 200 OK\r\n${rest}`,
})
const dying = (name: string, rest: string): OddAnswer => ({ ...ok(name, rest), closes: true })

/** A smuggled response to the next request. */
const leak = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nLEAK'

/** Valid and invalid responses. */
export const oddAnswers: readonly OddAnswer[] = [
  ok('plain', 'Content-Length: 3\r\n\r\n<#>'),
  ok('plain, in chunks', 'Transfer-Encoding: chunked\r\n\r\n1\r\n<\r\n2\r\n#>\r\n0\r\n\r\n'),
  ok(
    'chunks with extension and trailer',
    'Transfer-Encoding: chunked\r\n\r\n3;a=b\r\n<#>\r\n0\r\nX-T: 1\r\n\r\n',
  ),
  dying('until close', '\r\n<#>'),
  dying('until close, HTTP/1.0', 'Connection: close\r\n\r\n<#>'),
  {
    name: 'HTTP/1.0 with a length',
    bytes: 'HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\n<#>',
    closes: true,
  },
  {
    name: 'HTTP/1.0 with chunks',
    bytes: 'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n<#>\r\n0\r\n\r\n',
    closes: true,
  },
  ok('close said, and not done', 'Connection: close\r\nContent-Length: 3\r\n\r\n<#>'),
  ok('more than its length', `Content-Length: 3\r\n\r\n<#>${leak}`),
  ok('more than its chunks', `Transfer-Encoding: chunked\r\n\r\n3\r\n<#>\r\n0\r\n\r\n${leak}`),
  ok('an empty line too many', 'Content-Length: 3\r\n\r\n<#>\r\n'),
  dying('less than its length', 'Content-Length: 30\r\n\r\n<#>'),
  dying('fewer chunks', 'Transfer-Encoding: chunked\r\n\r\n3\r\n<#>\r\n'),
  dying('half a chunk', 'Transfer-Encoding: chunked\r\n\r\nff\r\n<#>'),
  dying('no last line', 'Transfer-Encoding: chunked\r\n\r\n3\r\n<#>\r\n0\r\n'),
  ok('two lengths', `Content-Length: 3\r\nContent-Length: ${3 + leak.length}\r\n\r\n<#>${leak}`),
  ok('two lengths in one field', 'Content-Length: 3, 3\r\n\r\n<#>'),
  ok('the same length twice', 'Content-Length: 3\r\nContent-Length: 3\r\n\r\n<#>'),
  ok(
    'length and chunks',
    `Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n<#>\r\n0\r\n\r\n${leak}`,
  ),
  ok(
    'chunked twice',
    `Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n<#>\r\n0\r\n\r\n`,
  ),
  dying('another coding', 'Transfer-Encoding: gzip\r\n\r\n<#>'),
  ok('vertical tab in the coding', `Transfer-Encoding: \x0bchunked\r\n\r\n3\r\n<#>\r\n0\r\n\r\n`),
  ok('no-break space in the coding', `Transfer-Encoding:\xa0chunked\r\n\r\n3\r\n<#>\r\n0\r\n\r\n`),
  ok('no-break space in the length', `Content-Length:\xa03\r\n\r\n<#>${leak}`),
  ok('signed length', 'Content-Length: +3\r\n\r\n<#>'),
  ok('negative length', 'Content-Length: -3\r\n\r\n<#>'),
  ok('hexadecimal length', 'Content-Length: 0x3\r\n\r\n<#>'),
  ok('huge length', 'Content-Length: 99999999999999999999\r\n\r\n<#>'),
  ok('bad chunk size', 'Transfer-Encoding: chunked\r\n\r\nzz\r\n<#>\r\n0\r\n\r\n'),
  ok('signed chunk size', 'Transfer-Encoding: chunked\r\n\r\n+3\r\n<#>\r\n0\r\n\r\n'),
  ok('chunk size with bare LF', 'Transfer-Encoding: chunked\r\n\r\n3\n<#>\r\n0\r\n\r\n'),
  ok('chunk without its end', `Transfer-Encoding: chunked\r\n\r\n3\r\n<#>0\r\n\r\n${leak}`),
  ok('bare LF in the extension', 'Transfer-Encoding: chunked\r\n\r\n3;a\nb\r\n<#>\r\n0\r\n\r\n'),
  ok('bare LF in the head', 'X: a\nContent-Length: 3\r\n\r\n<#>'),
  ok('bare CR in the head', 'X: a\rY: b\r\nContent-Length: 3\r\n\r\n<#>'),
  ok('NUL in the head', 'X: a\0b\r\nContent-Length: 3\r\n\r\n<#>'),
  ok('folded field', 'X: a\r\n b\r\nContent-Length: 3\r\n\r\n<#>'),
  ok('space before the colon', 'Content-Length : 3\r\n\r\n<#>'),
  ok('no colon', 'X\r\nContent-Length: 3\r\n\r\n<#>'),
  dying('split by a second head', `X: a\r\n\r\n${leak}`),
  ok('length named by Connection', 'Connection: Content-Length\r\nContent-Length: 3\r\n\r\n<#>'),
  ok(
    'coding named by Connection',
    'Connection: Transfer-Encoding\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n<#>\r\n0\r\n\r\n',
  ),
  { name: '204 with a body', bytes: `HTTP/1.1 204 No Content\r\nContent-Length: 4\r\n\r\nLEAK` },
  { name: '204 with an answer behind it', bytes: `HTTP/1.1 204 No Content\r\n\r\n${leak}` },
  { name: '304 with a body', bytes: `HTTP/1.1 304 Not Modified\r\nContent-Length: 4\r\n\r\nLEAK` },
  { name: '205 with a length', bytes: 'HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n' },
  {
    name: '100 first',
    bytes: 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n<#>',
  },
  {
    name: '103 first',
    bytes:
      'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n<#>',
  },
  { name: 'a flood of 100', bytes: 'HTTP/1.1 100 Continue\r\n\r\n'.repeat(5_000), closes: true },
  {
    name: '101 without an upgrade request',
    bytes: `HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n${leak}`,
  },
  { name: 'status of two digits', bytes: `HTTP/1.1 20 OK\r\nContent-Length: 3\r\n\r\n<#>` },
  { name: 'status of four digits', bytes: `HTTP/1.1 2000 OK\r\nContent-Length: 3\r\n\r\n<#>` },
  { name: 'status 099', bytes: `HTTP/1.1 099 OK\r\nContent-Length: 3\r\n\r\n<#>` },
  { name: 'no reason', bytes: 'HTTP/1.1 200 \r\nContent-Length: 3\r\n\r\n<#>' },
  { name: 'no space after the status', bytes: 'HTTP/1.1 200\r\nContent-Length: 3\r\n\r\n<#>' },
  { name: 'odd version', bytes: 'HTTP/1.2 200 OK\r\nContent-Length: 3\r\n\r\n<#>' },
  { name: 'not HTTP', bytes: 'SSH-2.0-x\r\n', closes: true },
  {
    name: 'a head without end',
    bytes: `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(100_000)}`,
    closes: true,
  },
  { name: 'empty', bytes: '', closes: true },
  { name: 'two answers at once', bytes: leak.replace('LEAK', '<#>!') + leak },
]

/** The name in the request path, by which the upstream picks the response. */
export const answerPath = (at: number, id: string): string => `/${at}/${id}`

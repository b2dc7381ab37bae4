import { legal, parts, type OddPart } from './odd-parts.ts'

/** Missing, wrong and contradictory length fields; `#` stands for the true length. */
export const oddLengths: readonly OddPart[] = [
  ...parts(
    'two lengths',
    'Content-Length: #\r\nContent-Length: #',
    'Content-Length: #\r\nContent-Length: 1#',
  ),
  ...parts(
    'two lengths',
    'Content-Length: 0\r\nContent-Length: #',
    'Content-Length: #, #',
    'Content-Length: #,',
  ),
  ...parts(
    'odd length',
    'Content-Length: +#',
    'Content-Length: -#',
    'Content-Length: 0x#',
    'Content-Length: #a',
  ),
  ...parts(
    'odd length',
    'Content-Length: # #',
    'Content-Length:',
    'Content-Length: "#"',
    'Content-Length: #.0',
  ),
  ...parts(
    'odd length',
    'Content-Length: 1e1',
    'Content-Length: \x0b#',
    'Content-Length: #\0',
    'Content-Length: ,#',
  ),
  ...parts(
    'odd length',
    'Content-Length: 99999999999999999999',
    'Content-Length: 18446744073709551616',
  ),
  ...parts(
    'odd length',
    'Content-Length : #',
    'Content-Length\t: #',
    ' Content-Length: #',
    'Content-Length:\r\n #',
  ),
  ...parts(
    'odd length',
    'Content-Length: 9007199254740993',
    'Content-Length: 4294967297',
    'Content-Length: \xb2',
  ),
  ...parts(
    'odd length',
    'Content_Length: #',
    'Content-Length\0: #',
    'X: a\nContent-Length: #',
    'Content-Length: _#',
  ),
  ...parts(
    'padded length',
    'Content-Length: 000#',
    'content-length:\t#\t',
    'CONTENT-LENGTH:   #  ',
  ),
  ...parts('length and coding', 'Content-Length: #\r\nTransfer-Encoding: chunked'),
  ...parts('length and coding', 'Transfer-Encoding: chunked\r\nContent-Length: #'),
  ...parts('length and coding', 'Transfer-Encoding: identity\r\nContent-Length: #'),
  ...parts('length and coding', 'Transfer-Encoding: \x0bchunked\r\nContent-Length: #'),
  ...parts('length and coding', 'Transfer-Encoding : chunked\r\nContent-Length: #'),
  ...parts('length and coding', 'Transfer_Encoding: chunked\r\nContent-Length: #'),
]

/** Transfer-Encoding fields; most try to be seen by one parser and not by another. */
export const oddCodings: readonly OddPart[] = [
  ...parts('legal', 'transfer-encoding:chunked', 'TRANSFER-ENCODING: Chunked'),
  ...legal('legal', 'Transfer-Encoding: chunked', 'Transfer-Encoding: \tchunked \t'),
  ...parts(
    'other coding',
    'Transfer-Encoding: gzip, chunked',
    'Transfer-Encoding: identity, chunked',
  ),
  ...parts(
    'other coding',
    'Transfer-Encoding: gzip',
    'Transfer-Encoding: identity',
    'Transfer-Encoding: chunked, gzip',
  ),
  ...parts('other coding', 'Transfer-Encoding: identity\r\nTransfer-Encoding: chunked'),
  ...parts(
    'odd coding',
    'Transfer-Encoding: chunked, chunked',
    'Transfer-Encoding: ,chunked',
    'Transfer-Encoding: chunked,',
  ),
  ...parts(
    'odd coding',
    'Transfer-Encoding: xchunked',
    'Transfer-Encoding: chunkedx',
    'Transfer-Encoding: "chunked"',
  ),
  ...parts(
    'odd coding',
    'Transfer-Encoding: chunked;q=1',
    'Transfer-Encoding: chunked x',
    'Transfer-Encoding:',
  ),
  ...parts(
    'odd coding',
    'Transfer-Encoding: \x0bchunked',
    'Transfer-Encoding: chunked\x0b',
    'Transfer-Encoding: \x0cchunked',
  ),
  ...parts(
    'odd coding',
    'Transfer-Encoding: chunked\0',
    'Transfer-Encoding:\xa0chunked',
    'Transfer-Encoding: chunk\xe9d',
  ),
  ...parts(
    'odd coding',
    'Transfer-Encoding : chunked',
    'Transfer-Encoding\t: chunked',
    'Transfer-Encoding\0: chunked',
  ),
  ...parts(
    'odd coding',
    ' Transfer-Encoding: chunked',
    'Transfer_Encoding: chunked',
    'Transfer Encoding: chunked',
  ),
  ...parts('odd coding', 'X: a\nTransfer-Encoding: chunked', 'X: a\rTransfer-Encoding: chunked'),
  ...parts('odd coding', 'X: a\r\n Transfer-Encoding: chunked', 'Transfer-Encoding:\r\n chunked'),
  ...parts('odd coding', 'Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked'),
  ...parts('odd coding', 'Transfer-Encoding: chunked\r\nTransfer-Encoding: identity'),
  ...parts('odd coding', 'Transfer-Encoding: x\r\nTransfer-Encoding: chunked'),
  ...parts(
    'odd coding',
    'Transfer-Encoding: chun\r\n ked',
    "Transfer-Encoding: 'chunked'",
    'Transfer-Encoding: chunked\r',
  ),
]

/** Replacements for a chunk-size line with its end; `#` is the true size in hexadecimal. */
export const oddChunkLines: readonly OddPart[] = [
  ...parts('padded chunk', '000#\r\n', '0000000000000000000#\r\n'),
  ...parts('extension', '#;a\r\n', '#;a=b\r\n', '#;a="b;c"\r\n', '#;a="\\""\r\n', '#;a;b=c\r\n'),
  // RFC 9112 section 7.1.1 allows white space around the parts of an extension, and requires parsers to accept it.
  ...legal('extension', '#;a=b\r\n', '# ;a\r\n', '#; a\r\n', '#;a = b\r\n', '#\t;\ta=b\r\n'),
  // Outside the grammar, but unambiguous; extensions are ignored here.
  ...legal('odd extension', '#\r\n', '#;\r\n', '#;;\r\n', '#;a="b\r\n', '#;a=\xe9\r\n', '#;(\r\n'),
  ...parts(
    'odd chunk',
    '#;\0\r\n',
    '#;a\n\r\n',
    '#;a\nb\r\n',
    '#;a\rb\r\n',
    '#;a\x7f\r\n',
    '#,a\r\n',
  ),
  ...parts('long extension', `#;a=${'b'.repeat(3_000)}\r\n`, `#;a=${'b'.repeat(40_000)}\r\n`),
  ...parts(
    'odd chunk',
    '0x#\r\n',
    '+#\r\n',
    '-#\r\n',
    ' #\r\n',
    '# \r\n',
    '#\t\r\n',
    'g\r\n',
    '\r\n',
    '#\n',
    '#\r',
  ),
  ...parts(
    'odd chunk',
    '#\0\r\n',
    '#\r\r\n',
    '\r\n#\r\n',
    '\n#\r\n',
    '#h\r\n',
    '#.0\r\n',
    '#_\r\n',
    '1#\r\n',
  ),
  ...parts(
    'odd chunk',
    'FFFFFFFFFFFFFFFFF\r\n',
    '10000000000000000#\r\n',
    '10000000#\r\n',
    '7FFFFFFFFFFFFFFF\r\n',
  ),
]

/** Replacements for the end of chunk data. */
export const oddChunkEnds: readonly string[] = [
  '',
  '\n',
  '\r',
  '\r\r\n',
  'x\r\n',
  '\r\n\r\n',
  '\n\r',
  '\0\r\n',
]

/** Replacements for the last chunk and the trailers. */
export const oddTails: readonly OddPart[] = [
  ...parts(
    'legal',
    '000\r\n\r\n',
    '0\r\nX-Probe-T: 1\r\n\r\n',
    '0\r\nX-Probe-T: 1\r\nX-Probe-U:\r\n\r\n',
  ),
  ...parts('extension', '0;a=b\r\n\r\n'),
  // Node's parser treats trailers like header fields; they must not affect framing.
  ...legal(
    'framing trailer',
    '0\r\n\r\n',
    '0\r\nContent-Length: 5\r\n\r\n',
    '0\r\nTransfer-Encoding: chunked\r\n\r\n',
    '0\r\nHost: b\r\n\r\n',
  ),
  ...parts(
    'odd tail',
    '0\n\r\n',
    '0\r\n\n',
    '0\n\n',
    '0\r\n\r',
    '0\r\r\n',
    '0\r\n',
    '0\r\n\rX',
    '0\r\nX: \0\r\n\r\n',
  ),
  ...parts(
    'odd tail',
    '0\r\nX : 1\r\n\r\n',
    '0\r\nX\r\n\r\n',
    '0\r\n X: 1\r\n\r\n',
    '0\r\nX: a\n\r\n',
    '-0\r\n\r\n',
    '',
  ),
  ...parts(
    'odd tail',
    '0\r\nX: a\r\n b\r\n\r\n',
    '0\r\n: a\r\n\r\n',
    '0 \r\n\r\n',
    '0\r\nGET /tail HTTP/1.1\r\n\r\n',
  ),
  ...parts('long', `0\r\nX-Probe-T: ${'t'.repeat(40_000)}\r\n\r\n`),
]

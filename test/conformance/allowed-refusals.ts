/** Oddities that Weir may reject although Node's strict parser accepts them, with the reason. */
export const allowedRefusals: Readonly<Record<string, string>> = {
  'odd spaces': 'RFC 9112 section 3 wants exactly one space between the parts of a request line.',
  'odd method': 'A method that is not a token, or that no route could name.',
  'odd version': 'Only HTTP/1.0 and HTTP/1.1 are spoken on this port (RFC 9110 section 15.6.6).',
  'odd absolute-form': 'A target with user information, no host or another scheme has no service.',
  'authority-form': 'CONNECT is refused: Weir is no tunnel.',
  'asterisk-form': 'Only OPTIONS may ask about the whole server (RFC 9112 section 3.2.4).',
  'odd target': 'Bytes that RFC 3986 does not allow in a path.',
  long: 'Heads, trailers and targets have limits.',
  'long extension': 'Chunk extensions count against a limit (RFC 9112 section 7.1.1).',
  'odd extension': 'What is no chunk-ext of RFC 9112 section 7.1.1 may be refused.',
  many: 'The number of fields has a limit.',
  'http/2': 'This port does not take HTTP/2 without an upgrade.',
  'leading empty lines':
    'RFC 9112 section 2.2 asks to skip one empty line, not several or bare ones.',
  'no host': 'RFC 9112 section 3.2 wants Host in every HTTP/1.1 request.',
  'two hosts': 'RFC 9112 section 3.2: more than one Host is answered with 400.',
  'odd host': 'RFC 9112 section 3.2: an invalid Host is answered with 400.',
  'other coding': 'Codings other than chunked are not decoded (RFC 9112 section 6.1: 501).',
  'odd coding': 'Empty elements and unknown codings in Transfer-Encoding are not guessed at.',
  'wrong length': 'What is left of a body, such as a bare line end, is no request line.',
  'padded length': 'Leading zeros may be refused, because some readers take them for octal.',
  'http/1.0': 'Transfer-Encoding in HTTP/1.0 is faulty framing (RFC 9112 section 6.1).',
  'padded chunk': 'A chunk size has a limit of digits (RFC 9112 section 7.1).',
  'framing trailer':
    'Framing and routing fields must not come as trailers (RFC 9110 section 6.5.1).',
  'odd expect': 'An expectation that cannot be met is answered with 417 (RFC 9110 section 10.1.1).',
  upgrade: 'A request to switch protocols must have no body, and ends the use of the connection.',
  'names framing': 'Connection must not name Host, Content-Length or Transfer-Encoding.',
  damage: 'A changed byte may make any of the above.',
}

/** Oddities after which Weir may close the connection although it sent a response. */
export const closingTraits: ReadonlySet<string> = new Set([
  'http/1.0',
  'close',
  'upgrade',
  'damage',
])

/** Error codes for input that Node's parser rejects although it is legal or harmless, such as unusual chunk extensions or tabs around a coding. The generator replaces these for the reference; it cannot when random damage produced one. */
export const doubtfulCodes: ReadonlySet<string> = new Set([
  'HPE_STRICT',
  'HPE_INVALID_CHUNK_SIZE',
  'HPE_INVALID_TRANSFER_ENCODING',
])

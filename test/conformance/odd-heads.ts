import { legal, parts, type OddPart } from './odd-parts.ts'

/** Start lines; `@` stands for the path. */
export const oddLines: readonly OddPart[] = [
  ...parts(
    'odd spaces',
    'GET  @ HTTP/1.1',
    'GET @  HTTP/1.1',
    'GET\t@ HTTP/1.1',
    ' GET @ HTTP/1.1',
  ),
  ...parts(
    'odd spaces',
    'GET @ HTTP/1.1 ',
    'GET @ HTTP/1.1\t',
    'GET\x0b@ HTTP/1.1',
    'GET @ x HTTP/1.1',
  ),
  ...parts('odd method', 'get @ HTTP/1.1', 'G\0T @ HTTP/1.1', 'GE(T @ HTTP/1.1'),
  ...parts('odd method', ' @ HTTP/1.1', 'PURGE @ HTTP/1.1', 'QUERY @ HTTP/1.1', '"GET" @ HTTP/1.1'),
  ...parts('http/1.0', 'GET @ HTTP/1.0', 'POST @ HTTP/1.0'),
  ...parts(
    'odd version',
    'GET @ HTTP/1.2',
    'GET @ HTTP/2.0',
    'GET @ HTTP/0.9',
    'GET @',
    'GET @ HTTP/11',
  ),
  ...parts('odd version', 'GET @ http/1.1', 'GET @ HTTP/1.1.1', 'GET @ HTTP/1', 'GET @ HTTQ/1.1'),
  ...parts('odd version', 'GET @ HTTP/+1.1', 'GET @ HTTP/1.10', 'GET @ ICE/1.0', 'GET @ RTSP/1.0'),
  ...parts('absolute-form', 'GET http://a.example@ HTTP/1.1', 'GET http://A.EXAMPLE:80@ HTTP/1.1'),
  ...parts('odd absolute-form', 'GET http://u:p@a.example@ HTTP/1.1', 'GET http:/@ HTTP/1.1'),
  ...parts('odd absolute-form', 'GET ftp://a.example@ HTTP/1.1', 'GET http://@ HTTP/1.1'),
  ...parts('odd absolute-form', 'GET https://a.example@ HTTP/1.1', 'GET http://a b@ HTTP/1.1'),
  ...parts('authority-form', 'CONNECT a.example:80 HTTP/1.1', 'GET a.example:80 HTTP/1.1'),
  ...parts('authority-form', 'CONNECT @ HTTP/1.1', 'POST a.example HTTP/1.1'),
  ...parts('asterisk-form', 'OPTIONS * HTTP/1.1', 'GET * HTTP/1.1', 'OPTIONS ** HTTP/1.1'),
  ...parts('odd target', 'GET @#fragment HTTP/1.1', 'GET @\x80\xff HTTP/1.1', 'GET @\x01 HTTP/1.1'),
  ...parts('odd target', 'GET @\\x HTTP/1.1', 'GET @"<>^`{|} HTTP/1.1', 'GET @\0 HTTP/1.1'),
  ...parts('odd target', 'GET @%zz HTTP/1.1', 'GET @%00 HTTP/1.1', 'GET @\x7f HTTP/1.1'),
  ...parts('long', `GET @?${'q'.repeat(9_000)} HTTP/1.1`, `GET @?${'q'.repeat(40_000)} HTTP/1.1`),
  ...parts('http/2', 'PRI * HTTP/2.0'),
]

/** Text before a request line. */
export const oddLeads: readonly OddPart[] = [
  ...parts('leading empty lines', '\r\n', '\r\n\r\n', '\n', '\r', ' \r\n', '\0', '\ufeff'),
]

/** Field lines without their end. */
export const oddFields: readonly OddPart[] = [
  ...parts(
    'folded',
    'X-Probe-F: a\r\n b',
    'X-Probe-F: a\r\n\tb',
    'X-Probe-F:\r\n b',
    'X-Probe-F: a\r\n ',
  ),
  ...parts(
    'bare line end',
    'X-Probe-L: a\nX-Probe-M: b',
    'X-Probe-L: a\rX-Probe-M: b',
    'X-Probe-L: a\n',
  ),
  ...parts('bare line end', 'X-Probe-L: a\r', 'X-Probe-L: a\r\r', 'X-Probe-L: a\n\r', '\r', '\n'),
  ...parts(
    'control',
    'X-Probe-C: a\0b',
    'X-Probe-C: a\x01b',
    'X-Probe-C: a\x7fb',
    'X-Probe-C: \x0ba',
  ),
  ...parts('control', 'X-Probe-C\0: a', 'X-Probe-C: \x0c', 'X-Probe-\x7f: a'),
  ...parts(
    'odd name',
    ': a',
    'X Probe: a',
    'X(Probe: a',
    'X-Probe : a',
    'X-Probe\t: a',
    ' X-Probe: a',
  ),
  ...parts(
    'odd name',
    'X-Probe',
    'X-Probe\xe9: a',
    '"X-Probe": a',
    'X-Probe\r: a',
    'X/Probe: a',
    '{}: a',
  ),
  ...parts(
    'legal',
    'X-Probe-V:',
    'X-Probe-V: \t ',
    'X-Probe-V:a',
    'X-Probe-V: \t a b \t',
    'X-Probe-V: :::',
  ),
  ...parts('legal', 'X-Probe-V: "quoted, \\" "', "!#$%&'*+-.^_`|~9: a", 'X-PROBE-v: a\tb'),
  ...parts(
    'legal',
    'X-Probe-V: \x80\xe9\xff',
    'X-Probe-V: \xc3\xa9',
    `X-Probe-V: ${'v'.repeat(3_000)}`,
  ),
  ...parts('long', `X-Probe-V: ${'v'.repeat(20_000)}`, `X-${'n'.repeat(20_000)}: a`),
  ...parts('many', Array.from({ length: 90 }, (_, at) => `X-Probe-${at}: ${at}`).join('\r\n')),
  ...parts(
    'close',
    'Connection: close',
    'Connection: Close',
    'Connection: x, close',
    'connection:close',
  ),
  ...parts('legal', 'Connection: keep-alive', 'Connection: , ,', 'Keep-Alive: timeout=5, max=100'),
  ...parts(
    'legal',
    'Connection: X-Probe-Hop\r\nX-Probe-Hop: 1',
    'Connection: x-probe-hop,\r\nX-PROBE-HOP: 1',
  ),
  ...parts(
    'legal',
    'TE: trailers',
    'TE: trailers, deflate',
    'Trailer: X-Probe-T',
    'Proxy-Connection: keep-alive',
  ),
  ...parts(
    'names framing',
    'Connection: content-length',
    'Connection: transfer-encoding, content-length',
  ),
  ...parts(
    'names framing',
    'Connection: host',
    'Connection: x-forwarded-for',
    'Connection: connection',
  ),
  ...parts('expect', 'Expect: 100-continue', 'Expect: 100-Continue'),
  ...parts(
    'odd expect',
    'Expect: something',
    'Expect: 100-continue, x',
    'Expect:',
    'Expect: 200-ok',
  ),
  // Node's parser stops after an upgrade request, whether or not the protocol is switched.
  ...legal('upgrade', 'Connection: x', 'Connection: Upgrade\r\nUpgrade: websocket'),
  ...legal('upgrade', 'Connection: x', 'Connection: Upgrade\r\nUpgrade: h2c'),
  ...legal('upgrade', 'Connection: x', 'Upgrade: websocket', 'Upgrade: TLS/1.0'),
  ...legal('upgrade', 'Connection: x', 'Connection: upgrade\r\nUpgrade: foo/1'),
  ...parts('identity', 'X_Forwarded_For: 1.2.3.4', 'X-Consumer-ID: forged', 'X_Real_IP: 1.2.3.4'),
]

/** Replacements for the Host line. */
export const oddHosts: readonly OddPart[] = [
  ...parts('no host', ''),
  ...parts('two hosts', 'Host: a\r\nHost: b\r\n', 'Host: a\r\nhost: a\r\n'),
  ...parts(
    'odd host',
    'Host: a b\r\n',
    'Host: a,b\r\n',
    'Host: a/b\r\n',
    'Host: u@a\r\n',
    'Host: a:b\r\n',
  ),
  ...parts(
    'odd host',
    'Host: a:99999\r\n',
    'Host: [::1\r\n',
    'Host: a\\b\r\n',
    'Host: a#b\r\n',
    'Host: a?\r\n',
  ),
  ...parts(
    'odd host',
    'Host: \xe9\r\n',
    'Host: a%\r\n',
    'Host: a:80:80\r\n',
    'Host: [::1]x\r\n',
    'Host:\r\n',
  ),
  ...parts(
    'legal',
    'Host: [::1]:80\r\n',
    'Host: A.Example:8080\r\n',
    'host: a.example.\r\n',
    'Host: 1.2.3.4\r\n',
  ),
]

import { z } from 'zod'
import { between, host, optional } from '../entities/fields.ts'
import { definePlugin } from '../proxy/plugin.ts'
import { customFieldsByLua, milliseconds } from './logs/log-settings.ts'
import { encodeLines, openLogExport, streamQueue } from './logs/open-log-export.ts'

const settings = z.strictObject({
  host: host().describe('Host name or address of the server.'),
  port: between(0, 65_535).describe('Port of the server.'),
  timeout: milliseconds(10_000).describe('Timeout of connecting and of sending, in milliseconds.'),
  keepalive: milliseconds(60_000).describe('Idle timeout of a connection, in milliseconds.'),
  tls: z.boolean().default(false).meta({ isFilled: true }).describe('Connect by TLS.'),
  tls_sni: optional(z.string()).describe('Server name for TLS. Default: the host.'),
  custom_fields_by_lua: customFieldsByLua(),
})

export const tcpLog = definePlugin({
  name: 'tcp-log',
  about: 'Sends an entry for each request to a TCP server, in Kong’s JSON, each in a line.',
  settings,
  prepare: ({ host: to, port, timeout, keepalive, tls, tls_sni: serverName }, tools) =>
    openLogExport(tools, {
      target: { kind: 'tcp', host: to, port, isSecure: tls, serverName, timeout, keepalive },
      queue: streamQueue,
      encode: encodeLines,
    }),
})

import { z } from 'zod'
import { between, host } from '../entities/fields.ts'
import { definePlugin } from '../proxy/plugin.ts'
import { customFieldsByLua, milliseconds } from './logs/log-settings.ts'
import { openLogExport, streamQueue } from './logs/open-log-export.ts'

const settings = z.strictObject({
  host: host().describe('Host name or address of the server.'),
  port: between(0, 65_535).describe('Port of the server.'),
  timeout: milliseconds(10_000).describe('Accepted for Kong; sending a datagram does not wait.'),
  custom_fields_by_lua: customFieldsByLua(),
})

export const udpLog = definePlugin({
  name: 'udp-log',
  about: 'Sends an entry for each request to a UDP server, in Kong’s JSON, each in a datagram.',
  settings,
  prepare: ({ host: to, port }, tools) =>
    openLogExport(tools, {
      target: { kind: 'udp', host: to, port },
      // A datagram that cannot be sent now is lost, as on the network.
      queue: { ...streamQueue, max_batch_size: 1, max_retry_time: -1 },
      encode: (lines) => lines.join(),
    }),
})

import { z } from 'zod'
import { definePlugin } from '../proxy/plugin.ts'

/** The protocol is negotiated per connection by ALPN. */
export const upstreamHttp2 = definePlugin({
  name: 'upstream-http2',
  about: 'Uses HTTP/2 to https services that support it, and HTTP/1.1 to all others.',
  offersHttp2: true,
  settings: z.object({}),
  prepare: () => ({}),
})

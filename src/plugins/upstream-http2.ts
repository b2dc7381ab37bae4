import { z } from 'zod'
import { definePlugin } from '../proxy/plugin.ts'

/** Lets the gateway speak HTTP/2 with https services that offer it; each connection agrees on the protocol in its handshake. */
export const upstreamHttp2 = definePlugin({
  name: 'upstream-http2',
  about: 'Speaks HTTP/2 with https services that offer it, and HTTP/1.1 with the others.',
  offersHttp2: true,
  settings: z.object({}),
  prepare: () => ({}),
})

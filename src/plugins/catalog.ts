import type { PluginDefinition } from '../proxy/plugin.ts'
import { acl } from './acl.ts'
import { correlationId } from './correlation-id.ts'
import { fileLog } from './file-log.ts'
import { httpLog } from './http-log.ts'
import { keyAuth } from './key-auth.ts'
import { prometheus } from './prometheus.ts'
import { rateLimiting } from './rate-limiting.ts'
import { requestTermination } from './request-termination.ts'
import { tcpLog } from './tcp-log.ts'
import { udpLog } from './udp-log.ts'
import { upstreamHttp2 } from './upstream-http2.ts'
import { requestValidator } from './request-validator.ts'

/** All plugins in order of execution, which is that of Kong. */
export const catalog: readonly PluginDefinition[] = [
  correlationId,
  keyAuth,
  requestValidator,
  acl,
  rateLimiting,
  prometheus,
  httpLog,
  fileLog,
  udpLog,
  tcpLog,
  requestTermination,
  upstreamHttp2,
]

import type { PluginDefinition } from '../proxy/plugin.ts'
import { acl } from './acl.ts'
import { correlationId } from './correlation-id.ts'
import { keyAuth } from './key-auth.ts'
import { rateLimiting } from './rate-limiting.ts'
import { requestTermination } from './request-termination.ts'
import { upstreamHttp2 } from './upstream-http2.ts'
import { requestValidator } from './request-validator.ts'

/** Every policy, in the order in which they act on a request, which is Kong's. */
export const catalog: readonly PluginDefinition[] = [
  correlationId,
  keyAuth,
  requestValidator,
  acl,
  rateLimiting,
  requestTermination,
  upstreamHttp2,
]

import type { PluginDefinition } from '../proxy/plugin.ts'
import { acl } from './acl.ts'
import { basicAuth } from './basic-auth.ts'
import { botDetection } from './bot-detection.ts'
import { correlationId } from './correlation-id.ts'
import { cors } from './cors.ts'
import { fileLog } from './file-log.ts'
import { hmacAuth } from './hmac-auth.ts'
import { httpLog } from './http-log.ts'
import { ipRestriction } from './ip-restriction.ts'
import { jwt } from './jwt.ts'
import { keyAuth } from './key-auth.ts'
import { mtlsAuth } from './mtls-auth.ts'
import { oauth2Introspection } from './oauth2-introspection.ts'
import { opentelemetry } from './opentelemetry.ts'
import { prometheus } from './prometheus.ts'
import { openidConnect } from './openid-connect.ts'
import { proxyCache } from './proxy-cache.ts'
import { rateLimiting } from './rate-limiting.ts'
import { rateLimitingAdvanced } from './rate-limiting-advanced.ts'
import { redirect } from './redirect.ts'
import { requestSizeLimiting } from './request-size-limiting.ts'
import { recordingPrivacy } from './recording-privacy.ts'
import { requestTransformer } from './request-transformer.ts'
import { requestTermination } from './request-termination.ts'
import { responseRatelimiting } from './response-ratelimiting.ts'
import { responseTransformer } from './response-transformer.ts'
import { sessionPlugin } from './session.ts'
import { tcpLog } from './tcp-log.ts'
import { udpLog } from './udp-log.ts'
import { upstreamHttp2 } from './upstream-http2.ts'
import { requestValidator } from './request-validator.ts'

/** All plugins in order of execution, which is that of Kong. */
export const catalog: readonly PluginDefinition[] = [
  recordingPrivacy,
  correlationId,
  botDetection,
  cors,
  sessionPlugin,
  oauth2Introspection,
  mtlsAuth,
  jwt,
  keyAuth,
  basicAuth,
  openidConnect,
  hmacAuth,
  requestValidator,
  ipRestriction,
  requestSizeLimiting,
  acl,
  rateLimiting,
  rateLimitingAdvanced,
  responseRatelimiting,
  requestTransformer,
  responseTransformer,
  redirect,
  proxyCache,
  opentelemetry,
  prometheus,
  httpLog,
  fileLog,
  udpLog,
  tcpLog,
  requestTermination,
  upstreamHttp2,
]

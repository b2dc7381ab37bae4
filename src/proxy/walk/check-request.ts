import { Problem } from '../../lib/problem.ts'
import { checkProtocol } from '../check-protocol.ts'
import type { PluginPlan } from '../compile/choose-plugins.ts'
import type { Exchange, RequestHead } from '../exchange.ts'
import type { PluginAnswer } from '../plugin.ts'
import type { RouteProgram } from '../program.ts'

/** Refuses requests that no service should receive: TRACE, whose answer repeats credentials (RFC 9110 section 9.3.8), and an encoded NUL. */
export function checkRequest({ method, path }: RequestHead): void {
  if (method === 'TRACE')
    throw new Problem('request.trace', 405, 'TRACE is not supported', {
      headers: { Allow: forwardedMethods },
    })
  if (path.includes('%00'))
    throw new Problem('request.nul', 400, 'Bad request: the path has an encoded NUL')
}

/** For a request that its route accepts in everything but the form: returns an answer instead of forwarding it, or throws a refusal. */
export function checkForm(
  route: RouteProgram,
  plugins: PluginPlan,
  exchange: Exchange,
): PluginAnswer | undefined {
  checkPath(exchange.request, plugins, exchange.settings)
  return checkProtocol(exchange.request, route) ?? limitForwards(exchange)
}

/**
 * Spellings that one server decodes and another does not, or that they decode to different paths: encoded slashes,
 * backslashes, control characters and percent signs, dot segments and empty segments with parameters (`..;`), overlong
 * UTF-8, fullwidth punctuation, and percent signs that encode nothing.
 */
const ambiguous =
  /%(?:2f|5c|[01][\da-f]|7f|25[\da-f]{2}|c[01]|f[5-9a-f]|ef%bc%(?:8e|8f|bc)|(?![\da-f]{2}))|\\|(?:^|\/)(?:\.|%2e){0,2}(?:;|%3b)/i

/** Refuses a path that the service may interpret differently than the router. */
function checkPath(
  { path }: RequestHead,
  plugins: PluginPlan,
  { ambiguousPaths }: Pick<Exchange['settings'], 'ambiguousPaths'>,
): void {
  if (ambiguousPaths === 'allow' || !mayBeAmbiguous.test(path) || !ambiguous.test(path)) return
  if (ambiguousPaths === 'refuse' || plugins.identify.length > 0)
    throw new Problem('request.ambiguous_path', 400, 'Bad request: the path is ambiguous')
}

const mayBeAmbiguous = /[%;\\]/

/** Max-Forwards of OPTIONS (RFC 9110 section 7.6.2): at 0 the gateway answers, else one less is forwarded. */
function limitForwards({ request, forward }: Exchange): PluginAnswer | undefined {
  if (request.method !== 'OPTIONS') return undefined
  const given = request.headers.get('max-forwards')
  if (given === undefined || !/^\d{1,9}$/.test(given)) return undefined
  const left = Number(given)
  if (left === 0) return { status: 200, headers: { Allow: forwardedMethods }, body: '' }
  forward?.headers.set('Max-Forwards', String(left - 1))
  return undefined
}

const forwardedMethods = 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS'

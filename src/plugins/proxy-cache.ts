import { Problem } from '../lib/problem.ts'
import type { Exchange } from '../proxy/exchange.ts'
import { HeaderList } from '../proxy/header-list.ts'
import type { PluginCache } from '../proxy/plugin-caches.ts'
import { definePlugin, type PluginAnswer } from '../proxy/plugin.ts'
import { readSmallBody } from '../proxy/small-body.ts'
import {
  lifetimeOf,
  readDirectives,
  secondsOf,
  type Directives,
} from './proxy-cache/cache-control.ts'
import { openCacheKeys } from './proxy-cache/cache-key.ts'
import { openMediaTypes } from './proxy-cache/media-types.ts'
import { settings, type Settings } from './proxy-cache/settings.ts'
import {
  isFor,
  isNotModified,
  maxVariants,
  sizeOf,
  storableHeaders,
  valuesOf,
  type StoredAnswer,
  type Variants,
} from './proxy-cache/stored-answer.ts'

type Status = 'Hit' | 'Miss' | 'Refresh' | 'Bypass'

export const proxyCache = definePlugin({
  name: 'proxy-cache',
  about: 'Stores responses of services, and answers requests with them.',
  settings,
  prepare(settings, { clock, openCache }) {
    const cache = openCache<Variants>()
    const keyOf = openCacheKeys(settings)
    const methods: ReadonlySet<string> = new Set(settings.request_method)
    const isStorable = openResponseRules(settings)
    const { cache_control: isControlled, response_headers: shown } = settings
    const varies = new Set((settings.vary_headers ?? []).map((name) => name.toLowerCase()))
    /** The keys of requests whose responses may be stored. */
    const waiting = new WeakMap<Exchange, string>()

    const show = (exchange: Exchange, name: keyof typeof shown, value: string): void => {
      const isDebugged =
        exchange.settings.allowsDebug && exchange.request.headers.get('kong-debug') !== undefined
      if (shown[name] || isDebugged)
        exchange.answerHeaders.set(name === 'age' ? 'Age' : name, value)
    }
    const showStatus = (exchange: Exchange, status: Status): void =>
      show(exchange, 'X-Cache-Status', status)

    /** Whether the request may be answered by the response of another one. */
    const mayShare = ({ request: { headers }, caller }: Exchange, asked: Directives): boolean => {
      if (headers.get('authorization') !== undefined && !varies.has('authorization')) {
        if (isControlled || caller === undefined) return false
      }
      return !isControlled || !(asked.has('no-store') || asked.has('no-cache'))
    }

    const find = (key: string, exchange: Exchange): StoredAnswer | undefined => {
      const variants = cache.get(key)
      const stored = variants?.find((one) => isFor(one, exchange))
      return stored !== undefined && stored.endsAt > clock.now() ? stored : undefined
    }

    const keep = (key: string, stored: StoredAnswer, exchange: Exchange): void => {
      const others = (cache.get(key) ?? []).filter((one) => !isFor(one, exchange))
      const variants = [stored, ...others].slice(0, maxVariants)
      cache.set(
        key,
        variants,
        variants.reduce((sum, one) => sum + sizeOf(one), 0),
      )
    }

    const answer = (
      exchange: Exchange,
      asked: Directives,
      key: string,
    ): PluginAnswer | undefined => {
      show(exchange, 'X-Cache-Key', key)
      const stored = find(key, exchange)
      const age = stored === undefined ? 0 : Math.max(0, (clock.now() - stored.createdAt) / 1000)
      const isUsable =
        stored !== undefined &&
        (isControlled ? accepts(asked, stored, age) : age <= stored.lifetime)
      if (!isUsable) {
        if (isControlled && asked.has('only-if-cached'))
          throw new Problem('proxy-cache.not_cached', 504, 'Gateway Timeout')
        waiting.set(exchange, key)
        showStatus(exchange, stored === undefined ? 'Miss' : 'Refresh')
        return undefined
      }
      showStatus(exchange, 'Hit')
      show(exchange, 'age', String(Math.floor(age)))
      const { status, headers, body } = stored
      return {
        status: isNotModified(exchange, stored) ? 304 : status,
        serviceHeaders: new HeaderList([...headers.flat]),
        body,
      }
    }

    return {
      onRequest(exchange) {
        const { request } = exchange
        const asked = readDirectives(request.headers)
        if (!methods.has(request.method) || request.upgrade !== '' || !mayShare(exchange, asked))
          return showStatus(exchange, 'Bypass')
        const body = exchange.forward?.body ?? exchange.body
        if (!body.present)
          return answer(exchange, asked, keyOf(exchange, request.method, undefined))
        return readSmallBody(body).then((bytes) => {
          if (bytes === undefined) return showStatus(exchange, 'Bypass')
          return answer(exchange, asked, keyOf(exchange, request.method, bytes))
        })
      },
      onResponse(exchange) {
        const { request, serviceHeaders: headers, upstream } = exchange
        if (
          isControlled &&
          isUnsafe(request.method) &&
          upstream.status >= 200 &&
          upstream.status < 400
        )
          for (const method of ['GET', 'HEAD']) cache.delete(keyOf(exchange, method, undefined))
        const key = waiting.get(exchange)
        if (key === undefined) return
        waiting.delete(exchange)
        const now = clock.now()
        const rule = headers && isStorable(upstream.status, headers, now)
        if (headers === undefined || rule === undefined) return showStatus(exchange, 'Bypass')
        const vary = namesIn(headers.all('vary')).map(
          (name) => [name, valuesOf(exchange, name)] as const,
        )
        const stored = {
          ...rule,
          status: upstream.status,
          headers: storableHeaders(headers, request.method === 'HEAD'),
          vary,
        }
        collectAnswer(exchange, cache, (body) => keep(key, { ...stored, body }, exchange))
      },
      close: () => cache.close(),
    }
  },
})

const isUnsafe = (method: string): boolean => !['GET', 'HEAD', 'OPTIONS', 'TRACE'].includes(method)

const namesIn = (fields: readonly string[]): string[] =>
  fields.flatMap((field) => field.split(',').flatMap((name) => name.trim().toLowerCase() || []))

/** Whether the directives of a request accept a response of this age (RFC 9111 section 5.2.1). */
function accepts(asked: Directives, { lifetime, mayBeStale }: StoredAnswer, age: number): boolean {
  const maxAge = secondsOf(asked, 'max-age')
  if (maxAge !== undefined && age > maxAge) return false
  const minFresh = secondsOf(asked, 'min-fresh')
  if (minFresh !== undefined && lifetime - age < minFresh) return false
  if (age <= lifetime) return true
  if (!mayBeStale || !asked.has('max-stale')) return false
  return asked.get('max-stale') === '' || age - lifetime <= (secondsOf(asked, 'max-stale') ?? 0)
}

type Rule = Pick<StoredAnswer, 'createdAt' | 'lifetime' | 'endsAt' | 'mayBeStale'>

/** Storage time and freshness of a response with these fields; undefined for one that is not stored. */
function openResponseRules(
  settings: Settings,
): (status: number, headers: HeaderList, now: number) => Rule | undefined {
  const statuses = new Set(settings.response_code)
  const isAccepted = openMediaTypes(settings.content_type)
  const isStorable = (status: number, headers: HeaderList): boolean => {
    if (!statuses.has(status) || notWhole.has(status)) return false
    const [contentType = '', second] = headers.all('content-type')
    if (second !== undefined || !isAccepted(contentType)) return false
    // A cookie is for one client, and what depends on everything for one request.
    return headers.get('set-cookie') === undefined && !namesIn(headers.all('vary')).includes('*')
  }
  const { cache_control: isControlled, cache_ttl: lifetime, storage_ttl: storedFor } = settings
  return (status, headers, now) => {
    if (!isStorable(status, headers)) return undefined
    if (isControlled) return controlledRule(headers, storedFor, now)
    const endsAt = now + 1000 * (storedFor ?? lifetime)
    return { createdAt: now, lifetime, endsAt, mayBeStale: false }
  }
}

/** As Cache-Control of the response says. */
function controlledRule(
  headers: HeaderList,
  storedFor: number | null,
  now: number,
): Rule | undefined {
  const directives = readDirectives(headers)
  const hasOne = (...names: readonly string[]) => names.some((name) => directives.has(name))
  if (hasOne('private', 'no-store', 'no-cache')) return undefined
  const age = Number(/^\d{1,15}$/.exec(headers.get('age') ?? '')?.[0] ?? 0)
  const lifetime = lifetimeOf(directives, headers, now)
  if (lifetime <= age) return undefined
  const createdAt = now - 1000 * age
  return {
    createdAt,
    lifetime,
    endsAt: storedFor === null ? createdAt + 1000 * lifetime : now + 1000 * storedFor,
    mayBeStale: !hasOne('must-revalidate', 'proxy-revalidate', 's-maxage'),
  }
}

/** 206 is a part of a response, and 304 the fields of one. */
const notWhole: ReadonlySet<number> = new Set([206, 304])

/** Collects the body while it is sent, as long as it and those that are collected at the same time fit. */
function collectAnswer(
  exchange: Exchange,
  { maxBytes, reserve, unreserve }: PluginCache<Variants>,
  keep: (body: Buffer) => void,
): void {
  let parts: Buffer[] = []
  let length = 0
  let isCollected = true
  const before = exchange.answerObserver
  const release = (): void => {
    unreserve(length)
    parts = []
    length = 0
    isCollected = false
  }
  exchange.defer(release)
  exchange.answerObserver = {
    part(chunk) {
      before?.part(chunk)
      if (!isCollected) return
      if (length + chunk.length > maxBytes || !reserve(chunk.length)) return release()
      length += chunk.length
      parts.push(Buffer.from(chunk))
    },
    end() {
      before?.end()
      if (!isCollected) return
      const body = Buffer.concat(parts)
      release()
      keep(body)
    },
  }
}

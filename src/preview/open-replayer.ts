import { canonicalText } from '../lib/canonical-text.ts'
import type { Log } from '../lib/log.ts'
import { Problem } from '../lib/problem.ts'
import type { Caller } from '../proxy/directory.ts'
import { Exchange, type RequestBody, type Reply } from '../proxy/exchange.ts'
import { checkProtocol } from '../proxy/check-protocol.ts'
import type { Counters, PluginDefinition, PluginResult, Window } from '../proxy/plugin.ts'
import {
  compileProgram,
  type PluginPlan,
  type Program,
  type RouteProgram,
} from '../proxy/program.ts'
import { runRequestPlugins } from '../proxy/run-plugins.ts'
import type { Snapshot, SnapshotItem } from '../schema/snapshot.ts'
import {
  anyAddress,
  everyHeader,
  RecordedBody,
  RecordedHeaders,
  RecordedRequest,
  RoutedRequest,
  type AccessCounter,
} from './recorded-request.ts'
import type { TrafficGroup } from './traffic-group.ts'

/** Outcome of the requests of a group under a configuration. */
export type Outcome = {
  /** Undefined when no route matches. */
  readonly route: RouteProgram | undefined
  /** Undefined when they are allowed. */
  readonly denial:
    | { readonly by: string; readonly reason: string; readonly status: number }
    | undefined
  /** The plugin that answers allowed requests instead of the upstream, if any. */
  readonly answer: { readonly by: string; readonly status: number } | undefined
  /** False where it depends on data that is not recorded. */
  readonly isSure: boolean
  /** The rate limit windows that count each of them. */
  readonly windows: readonly Window[]
}

/** Replays recorded requests against a configuration without upstreams. */
export type Replayer = {
  /** The outcome of a group; undefined when the route depends on headers that are not recorded. */
  replay(group: TrafficGroup): Outcome | undefined
  /** The rate limit windows that count a request of a group from an address at a time. */
  windowsAt(group: TrafficGroup, address: string, time: number): readonly Window[]
  /** Names of plugins that could not be replayed. */
  readonly notReplayed: ReadonlySet<string>
  close(): void
}

export type ReplayerOptions = {
  readonly snapshot: Snapshot
  readonly catalog: readonly PluginDefinition[]
  /** The configuration under which the requests were recorded. */
  readonly present: Snapshot
  /** Milliseconds since the epoch. */
  readonly now: number
  readonly log: Log | undefined
}

const credentialLists = ['keys', 'basic_auths', 'jwts', 'hmac_auths', 'mtls_auths'] as const

/** Compiles a snapshot with the gateway's own router and plugins. */
export function openReplayer(options: ReplayerOptions): Replayer {
  const { snapshot, catalog, present, now, log } = options
  const accesses: AccessCounter = { unrecorded: 0 }
  const body = new RecordedBody(accesses)
  const taken: Window[] = []
  const clock = { time: now, now: () => clock.time }
  const notReplayed = new Set<string>()
  const credentials = new Set(credentialLists.flatMap((list) => [...snapshot[list].keys()]))
  const tokenMethods = new Set(
    catalog.filter(({ acceptsTokens }) => acceptsTokens === true).map(({ name }) => name),
  )
  const observer: Observer = { accesses, notReplayed, log, answeredBy: '' }
  const program = compileProgram(snapshot, 0, {
    catalog: catalog.map((one) => observed(one, observer)),
    counters: recordingCounters(taken),
    clock,
  })
  const conditional = [...snapshot.routes.values()].filter(({ headers }) => headers !== null)
  const expressions = expressionsOf(snapshot)
  const routing: Routing = {
    conditional,
    settled: sameConditions(present, conditional),
    hasExpressions: expressions !== '[]',
    hasSameExpressions: expressions === expressionsOf(present),
    accesses,
  }
  const routes = new WeakMap<TrafficGroup, Routed>()
  const routeFor = (group: TrafficGroup): Routed => {
    const known = routes.get(group) ?? {
      route: routeOf(program, group, routing),
    }
    routes.set(group, known)
    return known
  }
  const run = (group: TrafficGroup, route: RouteProgram, address: string): Outcome => {
    taken.length = 0
    accesses.unrecorded = 0
    const exchange = exchangeOf(group, address, accesses, body)
    const plugins = program.pluginsOf(route)
    exchange.routeRef = route.routeRef
    exchange.directory = program.directory
    exchange.caller = callerOf(group, exchange, plugins, { credentials, tokenMethods })
    const { denial, answer } = replayPlugins(exchange, { route, plugins }, observer)
    const hadToAuthenticate =
      group.reason.endsWith('.no_key') || group.reason.endsWith('.unknown_key')
    return {
      route,
      denial,
      answer,
      isSure: denial === undefined || accesses.unrecorded === 0 || hadToAuthenticate,
      windows: [...taken],
    }
  }
  return {
    notReplayed,
    replay(group) {
      const { route } = routeFor(group)
      if (route === 'unknown') return undefined
      return route === undefined ? noRoute : run(group, route, anyAddress)
    },
    windowsAt(group, address, time) {
      clock.time = time
      const { route } = routeFor(group)
      return route === undefined || route === 'unknown' ? [] : run(group, route, address).windows
    },
    close: () => program.close(),
  }
}

/** Counters that admit every request and record the windows. */
const recordingCounters = (taken: Window[]): Counters => ({
  take(windows) {
    taken.push(...windows)
    return { admitted: true, counts: windows.map(() => 0) }
  },
})

type Routed = { readonly route: RouteProgram | undefined | 'unknown' }

const noRoute: Outcome = {
  route: undefined,
  denial: { by: 'route', reason: 'route.none', status: 404 },
  answer: undefined,
  isSure: true,
  windows: [],
}

type Observer = {
  readonly accesses: AccessCounter
  readonly notReplayed: Set<string>
  readonly log: Log | undefined
  /** The plugin that answered last. */
  answeredBy: string
}

/** A plugin that reports whether it reads data that is not recorded, or has to wait for something. */
function observed(definition: PluginDefinition, observer: Observer): PluginDefinition {
  const { accesses, notReplayed, log } = observer
  const skip = (error?: unknown): void => {
    if (error !== undefined && !(error instanceof Problem) && !notReplayed.has(definition.name))
      log?.warn('preview: plugin cannot be replayed', { plugin: definition.name, error })
    notReplayed.add(definition.name)
  }
  return {
    ...definition,
    prepare(settings, tools) {
      const use = definition.prepare(settings, tools)
      const onRequest = use.onRequest?.bind(use)
      if (onRequest === undefined) return use
      // The recorded caller replaces authentication. Any other decision on unrecorded data is meaningless.
      const tryRequest = (exchange: Exchange): PluginResult => {
        try {
          return onRequest(exchange)
        } catch (error) {
          if (accesses.unrecorded === 0 || definition.identifies) throw error
          skip(error)
        }
      }
      return {
        ...use,
        onRequest(exchange) {
          accesses.unrecorded = 0
          if (definition.identifies && exchange.caller !== undefined) return undefined
          const result = tryRequest(exchange)
          if (!(result instanceof Promise)) {
            observer.answeredBy = definition.name
            return result
          }
          notReplayed.add(definition.name)
          // The plugin runs without an upstream: whether it fails later says nothing.
          result.catch(() => undefined)
        },
      }
    },
  }
}

/** Runs the request plugins as the gateway does. */
function replayPlugins(
  exchange: Exchange,
  { route, plugins }: { readonly route: RouteProgram; readonly plugins: PluginPlan },
  observer: Observer,
): Pick<Outcome, 'denial' | 'answer'> {
  try {
    const redirect = isHttpOnly(route) ? checkProtocol(exchange.request, route) : undefined
    const answer = redirect ?? runRequestPlugins(plugins, exchange)
    if (answer === undefined || answer instanceof Promise)
      return { denial: undefined, answer: undefined }
    const by = redirect === undefined ? observer.answeredBy : 'route'
    const { status, refusal } = answer
    return refusal === undefined
      ? { denial: undefined, answer: { by, status } }
      : { denial: { by, reason: refusal.code, status }, answer: undefined }
  } catch (error) {
    if (!(error instanceof Problem)) throw error
    const by = exchange.deniedBy === '' ? 'route' : exchange.deniedBy
    return { denial: { by, reason: error.code, status: error.status }, answer: undefined }
  }
}

/** Events do not distinguish gRPC and WebSocket from other requests. */
const isHttpOnly = ({ route: { protocols } }: RouteProgram): boolean =>
  protocols.every((protocol) => protocol === 'http' || protocol === 'https')

/** The routes whose header conditions are the same as when the requests were recorded. */
function sameConditions(
  { routes }: Snapshot,
  conditional: readonly SnapshotItem<'routes'>[],
): ReadonlySet<string> {
  const same = conditional.filter(({ id, headers }) => {
    const before = routes.get(id)
    return before !== undefined && canonicalText(before.headers) === canonicalText(headers)
  })
  return new Set(same.map(({ id }) => id))
}

/** The expressions of a configuration, by their routes. */
const expressionsOf = ({ routes }: Snapshot): string =>
  canonicalText(
    [...routes.values()].flatMap(({ id, protocols, expression, priority }) =>
      typeof expression === 'string' ? [[id, protocols, expression, priority]] : [],
    ),
  )

type Routing = {
  readonly conditional: readonly SnapshotItem<'routes'>[]
  readonly settled: ReadonlySet<string>
  readonly hasExpressions: boolean
  /** Whether the requests were recorded with the same expressions. */
  readonly hasSameExpressions: boolean
  readonly accesses: AccessCounter
}

/** The route of a group. Where header conditions or expressions could select another route, the recorded route decides, if its conditions have not changed. */
function routeOf(
  program: Program,
  group: TrafficGroup,
  { conditional, settled, hasExpressions, hasSameExpressions, accesses }: Routing,
): RouteProgram | undefined | 'unknown' {
  accesses.unrecorded = 0
  const plain = program.router.match(
    new RoutedRequest(group, new RecordedHeaders(group.host, accesses), accesses),
  )?.route
  if (accesses.unrecorded > 0 && hasExpressions)
    return hasSameExpressions ? recordedRoute(program, group, plain) : 'unknown'
  return conditional.length === 0
    ? plain
    : routeByHeaders(program, group, plain, { conditional, settled, accesses })
}

function routeByHeaders(
  program: Program,
  group: TrafficGroup,
  plain: RouteProgram | undefined,
  { conditional, settled, accesses }: Pick<Routing, 'conditional' | 'settled' | 'accesses'>,
): RouteProgram | undefined | 'unknown' {
  const full = program.router.match(
    new RecordedRequest(group, everyHeader(group.host, conditional), accesses),
  )?.route
  if (full?.route.id === plain?.route.id) return plain
  const found = [plain, full].find((one) => one?.route.id === group.route)
  return found !== undefined && settled.has(full?.route.id ?? '') ? found : 'unknown'
}

/** For expressions that read fields that are not recorded: the recorded route, if it has an expression or no expression decides otherwise. */
function recordedRoute(
  program: Program,
  group: TrafficGroup,
  plain: RouteProgram | undefined,
): RouteProgram | undefined | 'unknown' {
  if ((plain?.route.id ?? '') === group.route) return plain
  const recorded = program.tables.routes.routes.get(group.route)
  return typeof recorded?.route.expression === 'string' ? recorded : 'unknown'
}

function exchangeOf(
  group: TrafficGroup,
  address: string,
  accesses: AccessCounter,
  body: RequestBody,
): Exchange {
  const headers = new RecordedHeaders(group.host, accesses)
  const head = new RecordedRequest(group, headers, accesses, address)
  return new Exchange(0, head, body, noReply)
}

const noReply = {} as Reply

type Recorded = {
  /** Ids of the credentials that exist. */
  readonly credentials: ReadonlySet<string>
  /** Names of the plugins whose credentials are not in the configuration. */
  readonly tokenMethods: ReadonlySet<string>
}

/** The recorded caller, if the route still authenticates by the same plugin and the credential still exists. */
function callerOf(
  { consumer, isHidden, authMethod, credential }: TrafficGroup,
  { directory, routeRef }: Exchange,
  plugins: PluginPlan,
  { credentials, tokenMethods }: Pick<Recorded, 'credentials' | 'tokenMethods'>,
): Caller | undefined {
  const hasSameMethod = plugins.identify.some(({ name }) => name === authMethod)
  if (!hasSameMethod || isHidden) return undefined
  // The holder of a token without a consumer.
  if (consumer === '') return { kind: 'user', method: authMethod, credential, consumer: undefined }
  const isStored = credential !== '' && !tokenMethods.has(authMethod)
  if (isStored && !credentials.has(credential)) return undefined
  const known = directory?.findConsumer(routeRef.workspace, consumer)
  return known && { kind: 'consumer', method: authMethod, credential, consumer: known }
}

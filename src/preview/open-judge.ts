import { Readable } from 'node:stream'
import { canonicalText } from '../lib/canonical-text.ts'
import { Problem } from '../lib/problem.ts'
import { Exchange, type Caller, type RequestBody, type Reply } from '../proxy/exchange.ts'
import type { HeaderList } from '../proxy/header-list.ts'
import { checkProtocol } from '../proxy/check-protocol.ts'
import type {
  Counters,
  PluginDefinition,
  PluginResult,
  PluginTools,
  Window,
} from '../proxy/plugin.ts'
import { compileProgram, type Program, type RouteProgram } from '../proxy/program.ts'
import { runRequestPlugins } from '../proxy/run-plugins.ts'
import type { Snapshot } from '../schema/snapshot.ts'
import { everyHeader, RecordedHeaders, type Watch } from './recorded-headers.ts'
import type { TrafficGroup } from './traffic-group.ts'

/** What a program makes of the requests of a group. */
export type Verdict = {
  /** Undefined when no route recognizes them. */
  readonly route: RouteProgram | undefined
  /** Who refuses them, and how; undefined when they pass. */
  readonly refusal:
    | { readonly by: string; readonly reason: string; readonly status: number }
    | undefined
  /** What answers them instead of the service; undefined when nothing does. */
  readonly answer: { readonly by: string; readonly status: number } | undefined
  /** False where it depends on what events do not hold. */
  readonly isSure: boolean
  /** The windows in which each of them would be counted. */
  readonly windows: readonly Window[]
}

/** A program that says what it would do, without doing it. */
export type Judge = {
  /** What becomes of the requests of a group; undefined when that depends on headers that nobody recorded. */
  judge(group: TrafficGroup): Verdict | undefined
  /** The windows in which a request of a group is counted that comes from an address at a time. */
  windowsAt(group: TrafficGroup, address: string, time: number): readonly Window[]
  /** Names of plugins that could not be asked, because they wait for something. */
  readonly unasked: ReadonlySet<string>
  close(): void
}

/** What a judge is opened with. */
export type JudgeOptions = {
  readonly snapshot: Snapshot
  readonly catalog: readonly PluginDefinition[]
  /** The configuration under which requests were recorded: of its routes it is known which headers they found. */
  readonly present: Snapshot
  /** Milliseconds since the epoch. */
  readonly now: number
}

/** The address of callers in a first look, by which windows that count by address are known. */
export const anyAddress = '0.0.0.0'

/** Compiles a snapshot with the gateway's own router and plugins, so that recorded requests can be put to it. */
export function openJudge({ snapshot, catalog, present, now }: JudgeOptions): Judge {
  const watch: Watch = { asked: 0 }
  const body = new RecordedBody(watch)
  const taken: Window[] = []
  const clock = { time: now, now: () => clock.time }
  const unasked = new Set<string>()
  const credentials = new Set(snapshot.keys.map(({ id }) => id))
  const directories = new Map<string, PluginTools>()
  const watching: Watching = { watch, unasked, directories, answeredBy: '' }
  const program = compileProgram(snapshot, 0, {
    catalog: catalog.map((one) => watched(one, watching)),
    counters: noting(taken),
    clock,
  })
  const conditional = snapshot.routes.filter(({ headers }) => headers !== null)
  const settled = sameConditions(present, conditional)
  const routes = new WeakMap<TrafficGroup, Routed>()
  const routeFor = (group: TrafficGroup): Routed => {
    const known = routes.get(group) ?? {
      route: routeOf(program, group, { conditional, settled, watch }),
    }
    routes.set(group, known)
    return known
  }
  const run = (group: TrafficGroup, route: RouteProgram, address: string): Verdict => {
    taken.length = 0
    watch.asked = 0
    const exchange = exchangeOf(group, address, { watch, body })
    exchange.routeRef = route.routeRef
    exchange.caller = callerOf(group, route, {
      tools: directories.get(route.routeRef.workspace),
      hasCredential: (id) => credentials.has(id),
    })
    const { refusal, answer } = outcomeOf(exchange, route, watching)
    const isAsked = group.reason.endsWith('.no_key') || group.reason.endsWith('.unknown_key')
    return {
      route,
      refusal,
      answer,
      isSure: refusal === undefined || watch.asked === 0 || isAsked,
      windows: [...taken],
    }
  }
  return {
    unasked,
    judge(group) {
      const { route } = routeFor(group)
      if (route === 'unknown') return undefined
      return route === undefined ? nowhere : run(group, route, anyAddress)
    },
    windowsAt(group, address, time) {
      clock.time = time
      const { route } = routeFor(group)
      return route === undefined || route === 'unknown' ? [] : run(group, route, address).windows
    },
    close: () => program.close(),
  }
}

/** Counters that admit everybody and note what they were asked. */
const noting = (taken: Window[]): Counters => ({
  take(windows) {
    taken.push(...windows)
    return { admitted: true, counts: windows.map(() => 0) }
  },
})

type Routed = { readonly route: RouteProgram | undefined | 'unknown' }

const nowhere: Verdict = {
  route: undefined,
  refusal: { by: 'route', reason: 'route.none', status: 404 },
  answer: undefined,
  isSure: true,
  windows: [],
}

type Watching = {
  readonly watch: Watch
  readonly unasked: Set<string>
  readonly directories: Map<string, PluginTools>
  /** The plugin that answered last. */
  answeredBy: string
}

/** A plugin that is watched: whether it refuses because of something nobody recorded, or would have to wait. */
function watched(definition: PluginDefinition, watching: Watching): PluginDefinition {
  const { watch, unasked, directories } = watching
  return {
    ...definition,
    prepare(settings, tools) {
      directories.set(tools.workspace, tools)
      const use = definition.prepare(settings, tools)
      const ask = use.onRequest?.bind(use)
      if (ask === undefined) return use
      // Only who calls can be told from what was recorded later; any other look at what was not recorded says nothing.
      const askBlindly = (exchange: Exchange): PluginResult => {
        try {
          return ask(exchange)
        } catch (error) {
          if (watch.asked === 0 || definition.identifies) throw error
          unasked.add(definition.name)
        }
      }
      return {
        ...use,
        onRequest(exchange) {
          watch.asked = 0
          const result = askBlindly(exchange)
          if (!(result instanceof Promise)) {
            watching.answeredBy = definition.name
            return result
          }
          unasked.add(definition.name)
          // What it waits for is not replayed, so neither is its failure.
          result.catch(() => undefined)
        },
      }
    },
  }
}

/** Runs the plugins as the gateway would. */
function outcomeOf(
  exchange: Exchange,
  route: RouteProgram,
  watching: Watching,
): Pick<Verdict, 'refusal' | 'answer'> {
  try {
    const redirect = isPlain(route) ? checkProtocol(exchange.request, route) : undefined
    const answer = redirect ?? runRequestPlugins(route, exchange)
    if (answer === undefined || answer instanceof Promise)
      return { refusal: undefined, answer: undefined }
    const by = redirect === undefined ? watching.answeredBy : 'route'
    const { status, refusal } = answer
    return refusal === undefined
      ? { refusal, answer: { by, status } }
      : { refusal: { by, reason: refusal.code, status }, answer: undefined }
  } catch (error) {
    if (!(error instanceof Problem)) throw error
    const by = exchange.deniedBy === '' ? 'route' : exchange.deniedBy
    return { refusal: { by, reason: error.code, status: error.status }, answer: undefined }
  }
}

/** Events do not tell gRPC or WebSocket from other requests. */
const isPlain = ({ route: { protocols } }: RouteProgram): boolean =>
  protocols.every((protocol) => protocol === 'http' || protocol === 'https')

/** Routes that ask the same of headers as they did when requests were recorded. */
function sameConditions(
  { routes }: Snapshot,
  conditional: readonly Snapshot['routes'][number][],
): ReadonlySet<string> {
  const before = new Map(routes.map(({ id, headers }) => [id, canonicalText(headers)]))
  const same = conditional.filter(({ id, headers }) => before.get(id) === canonicalText(headers))
  return new Set(same.map(({ id }) => id))
}

type Routing = {
  readonly conditional: readonly Snapshot['routes'][number][]
  readonly settled: ReadonlySet<string>
  readonly watch: Watch
}

/** The route by all that was recorded. Where conditions on headers could lead elsewhere, what was recorded decides, if it can. */
function routeOf(
  program: Program,
  group: TrafficGroup,
  { conditional, settled, watch }: Routing,
): RouteProgram | undefined | 'unknown' {
  const plain = program.router.match(
    new RecordedRequest(group, new RecordedHeaders(group.host, watch), watch),
  )?.route
  if (conditional.length === 0) return plain
  const full = program.router.match(
    new RecordedRequest(group, everyHeader(group.host, conditional), watch),
  )?.route
  if (full?.route.id === plain?.route.id) return plain
  const found = [plain, full].find((one) => one?.route.id === group.route)
  return found !== undefined && settled.has(full?.route.id ?? '') ? found : 'unknown'
}

/** A request as far as it was recorded; whoever looks at its query is noted. */
class RecordedRequest {
  readonly method: string
  readonly scheme: 'http' | 'https'
  readonly host: string
  readonly port: number
  readonly path: string
  readonly headers: HeaderList
  readonly clientAddress: string
  readonly tlsVersion = ''
  readonly upgrade = ''
  readonly serverName: string
  readonly #watch: Watch

  constructor(group: TrafficGroup, headers: HeaderList, watch: Watch, address = anyAddress) {
    this.method = group.method
    this.scheme = group.scheme
    this.host = group.host
    this.port = group.scheme === 'https' ? 443 : 80
    this.path = group.path
    this.headers = headers
    this.clientAddress = address
    this.serverName = group.host
    this.#watch = watch
  }

  get query(): string {
    this.#watch.asked += 1
    return ''
  }
}

function exchangeOf(
  group: TrafficGroup,
  address: string,
  { watch, body }: { readonly watch: Watch; readonly body: RequestBody },
): Exchange {
  const head = new RecordedRequest(group, new RecordedHeaders(group.host, watch), watch, address)
  return new Exchange(0, head, body, noReply)
}

/** Nobody knows whether there was a body. */
class RecordedBody {
  readonly length = 0
  readonly received = 0
  readonly replayable = false
  readonly #watch: Watch

  constructor(watch: Watch) {
    this.#watch = watch
  }

  get present(): boolean {
    this.#watch.asked += 1
    return false
  }

  open(): Readable {
    return Readable.from([])
  }

  readAhead(): undefined {
    return undefined
  }
}

const noReply = {} as Reply

/** Who called, if the route knows callers in the way that they proved themselves, and what they showed is still there. */
function callerOf(
  { consumer, authMethod, credential }: TrafficGroup,
  { plugins }: RouteProgram,
  {
    tools,
    hasCredential,
  }: { readonly tools: PluginTools | undefined; readonly hasCredential: (id: string) => boolean },
): Caller | undefined {
  const isKnownWay = plugins.identify.some(({ name }) => name === authMethod)
  if (consumer === '' || !isKnownWay) return undefined
  if (credential !== '' && !hasCredential(credential)) return undefined
  const known = tools?.findConsumer(consumer)
  return known && { kind: 'consumer', method: authMethod, credential, consumer: known }
}

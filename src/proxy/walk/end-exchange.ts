import type { Log } from '../../lib/log.ts'
import { toProblem } from '../../lib/problem.ts'
import type { EventRecord } from '../../schema/event.ts'
import type { OpenAdmission } from '../admission/open-admission.ts'
import type { Exchange } from '../exchange.ts'
import type { PluginPlan } from '../compile/choose-plugins.ts'
import { runLogPlugins, runRecordPlugins } from '../run-plugins.ts'
import { describeExchange, describeFailure, type NodeIdentity } from './describe-exchange.ts'

/** An answer whose end is withheld until its event is recorded. */
export type WithheldAnswer = {
  /** Sends the end of the answer: the event survives this process. */
  release(): void
  /** Breaks the connection: the event could not be written. */
  abandon(): void
}

export type EndTools = {
  readonly node: NodeIdentity
  /** Writes an event where it survives this process, then releases its answer, or abandons it when that fails. */
  readonly record: (event: EventRecord, answer: WithheldAnswer) => void
  /** Throws a Problem if requests of a workspace are refused because their events cannot be recorded. */
  readonly checkRecording?: (workspace: string) => void
  readonly log: Log
}

/** Resources that an exchange holds. */
export type ExchangeResources = {
  /** Undefined when it was not admitted. */
  readonly admission?: Pick<OpenAdmission, 'leave'> | undefined
  /** Of its route. */
  readonly plugins?: PluginPlan | undefined
}

/** Ends an exchange of any protocol: releases what it held, and records its one event before `finish` sends the end of the answer. Never throws: a step that
 *  fails is logged, the others still run, and a client that cannot be answered is disconnected. */
export function endExchange(
  { node, record, log }: EndTools,
  exchange: Exchange,
  finish: () => void,
  { admission, plugins }: ExchangeResources = {},
): void {
  const { tunnel } = exchange
  if (tunnel === undefined || tunnel.destroyed) release(exchange, log)
  else tunnel.once('close', () => release(exchange, log))
  try {
    admission?.leave(exchange)
  } catch (error) {
    logFault(log, 'proxy: leaving admission failed', exchange, error)
  }
  const answer = new Withheld(exchange, finish, log)
  try {
    const event = describe(exchange, node, log, plugins)
    if (plugins !== undefined) answer.logBy(plugins, event)
    record(event, answer)
  } catch (error) {
    logFault(log, 'proxy: recording the event failed', exchange, error)
    answer.abandon()
  }
}

/** Releases the target; one that switched protocols is busy until its connection ends. */
function release(exchange: Exchange, log: Log): void {
  try {
    exchange.dispose()
  } catch (error) {
    logFault(log, 'proxy: releasing the target failed', exchange, error)
  }
}

function describe(
  exchange: Exchange,
  node: NodeIdentity,
  log: Log,
  plugins: PluginPlan | undefined,
): EventRecord {
  try {
    const event = describeExchange(exchange, node)
    return plugins === undefined ? event : runRecordPlugins(plugins, exchange, event)
  } catch (error) {
    logFault(log, 'proxy: describing the exchange failed', exchange, error)
    exchange.fail(toProblem(error))
    return describeFailure(exchange, node)
  }
}

/** Logs a fault of the gateway with the request id that client, service and event have. */
export function logFault(log: Log, message: string, { id }: Exchange, error: unknown): void {
  log.error(message, { request_id: id, error })
}

class Withheld implements WithheldAnswer {
  readonly #exchange: Exchange
  readonly #finish: () => void
  readonly #log: Log
  #isSettled = false
  #plugins: PluginPlan | undefined = undefined
  #event: EventRecord | undefined = undefined

  constructor(exchange: Exchange, finish: () => void, log: Log) {
    this.#exchange = exchange
    this.#finish = finish
    this.#log = log
  }

  /** Runs the log plugins once the answer has ended. */
  logBy(plugins: PluginPlan, event: EventRecord): void {
    this.#plugins = plugins
    this.#event = event
  }

  release(): void {
    if (this.#isSettled) return
    try {
      this.#finish()
      this.#isSettled = true
      this.#runLog()
    } catch (error) {
      logFault(this.#log, 'proxy: ending the answer failed', this.#exchange, error)
      this.abandon()
    }
  }

  abandon(): void {
    if (this.#isSettled) return
    this.#isSettled = true
    const { reply, tunnel } = this.#exchange
    try {
      reply.abort()
    } catch (error) {
      logFault(this.#log, 'proxy: breaking the connection failed', this.#exchange, error)
    }
    tunnel?.destroy()
    this.#runLog()
  }

  #runLog(): void {
    if (this.#plugins !== undefined && this.#event !== undefined)
      runLogPlugins(this.#plugins, this.#exchange, this.#event, this.#log)
  }
}

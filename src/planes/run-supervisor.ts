import type { Log } from '../lib/log.ts'
import { handOver, type Handover } from './hand-over.ts'
import { handoverForm, type LauncherLine, type ToElder, type ToHeir } from './handover.ts'
import { inheritNode, type Inheritance } from './inherit-node.ts'
import type { PlaneSettings } from './plane-settings.ts'
import { superviseNode, type SupervisedNode } from './supervise-node.ts'

/** What a supervisor is run with. */
export type SupervisorStart = {
  readonly settings: PlaneSettings
  readonly childModule: string
  /** Whether it takes a node over instead of starting one. */
  readonly isHeir: boolean
  readonly line: LauncherLine
  readonly log: Log
}

/** Runs a supervisor until it is told to stop or its heir has taken over; rejects, with everything it started ended, when its node cannot start. */
export async function runSupervisor(start: SupervisorStart): Promise<void> {
  const { settings, childModule, isHeir, line, log } = start
  const ended = Promise.withResolvers<void>()
  const inheritance = isHeir ? inheritNode(line, settings.version) : undefined
  let node: SupervisedNode | undefined
  let handover: Handover | undefined
  let isStopping = false

  const stop = async (): Promise<void> => {
    if (isStopping) return node?.hurry()
    isStopping = true
    await node?.stop()
    ended.resolve()
  }
  const meetHeir = (form: number): void => {
    if (node === undefined || form !== handoverForm)
      return void line.send({ type: 'dismiss', why: 'the programs cannot hand over to each other' })
    handover = handOver(node, line, log)
    handover.done.then(
      () => ended.resolve(),
      (error: unknown) => {
        handover = undefined
        void line.send({ type: 'dismiss', why: String(error) })
      },
    )
  }
  line.onMessage((message, handle) => {
    if (message.type === 'stop') void stop()
    else if (message.type === 'reload' && handover === undefined) void node?.reload()
    else if (message.type === 'alone') {
      handover?.fail(message.why)
      inheritance?.close()
    } else if (message.type === 'told') {
      if (message.message.type === 'heir') meetHeir(message.message.form)
      else if (handover === undefined) inheritance?.receive(message.message as ToHeir, handle)
      else handover.receive(message.message as ToElder)
    }
  })

  try {
    const estate = await inheritance?.estate
    node = superviseNode({ settings, childModule, log, estate })
    if (inheritance !== undefined) await takeOver(node, inheritance, line)
    const addresses = await node.ready
    await line.send({ type: 'serving', addresses, version: settings.version })
  } catch (error) {
    if (!isStopping) {
      await line.send({ type: 'failed', message: messageOf(error) })
      await stop()
    }
  }
  await ended.promise
}

async function takeOver(
  node: SupervisedNode,
  inheritance: Inheritance,
  line: LauncherLine,
): Promise<void> {
  await node.workersReady
  await line.send({ type: 'tell', message: { type: 'workers-serve' } })
  await inheritance.controlIsFree
  node.startControl()
  await node.ready
  await line.send({ type: 'tell', message: { type: 'control-serves' } })
}

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error)

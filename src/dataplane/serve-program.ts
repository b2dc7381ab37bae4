import type { Server } from 'node:net'
import { openProxy, type Proxy, type ProxyOptions } from '../proxy/open-proxy.ts'
import type { Program } from '../proxy/program.ts'

/** Serves requests by the latest program. */
export type ProgramServer = {
  /** Serves new requests with this program; the first one opens the proxy. */
  swap(this: void, program: Program): void
  readonly revision: number
  readonly exchanges: number
  readonly connections: Proxy['connections']
  /** Whether requests of a workspace are served while their events cannot be recorded. */
  shedsEvents(this: void, workspace: string): boolean
  drain(milliseconds: number): Promise<void>
}

/** Options of the proxy, which is opened for the first program. */
export type ProgramServerOptions = {
  readonly proxyOptions: () => Promise<Omit<ProxyOptions, 'program'>>
  readonly listen: (proxy: Proxy) => readonly Promise<unknown>[]
  readonly onListening: () => void
  readonly onFailed: (error: unknown) => void
}

/** A worker has no program until its first snapshot; connections wait in the listening sockets until then. */
export function serveProgram(options: ProgramServerOptions): ProgramServer {
  let latest: Program | undefined
  let proxy: Proxy | undefined
  const open = async (first: Program): Promise<void> => {
    const proxyOptions = await options.proxyOptions()
    // Another program may have arrived meanwhile.
    proxy = openProxy({ ...proxyOptions, program: latest ?? first })
    await Promise.all(options.listen(proxy))
    options.onListening()
  }
  return {
    swap(program) {
      const isFirst = latest === undefined
      if (proxy === undefined) latest?.close(program)
      else proxy.swapProgram(program)
      latest = program
      if (isFirst) open(program).catch(options.onFailed)
    },
    get revision() {
      return proxy?.revision ?? 0
    },
    get exchanges() {
      return proxy?.exchanges ?? 0
    },
    get connections() {
      return proxy?.connections ?? { accepted: 0, open: 0, requests: 0 }
    },
    shedsEvents: (workspace) => latest?.shedsEvents(workspace) ?? false,
    drain: async (milliseconds) => proxy?.drain(milliseconds),
  }
}

/** Listens on a bound socket of another process. */
export function listenOn(server: Server, socket: object): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(socket, resolve)
  })
}

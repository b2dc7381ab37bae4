import { readFileSync, readdirSync, readlinkSync } from 'node:fs'
import http, { Agent } from 'node:http'
import type { Socket } from 'node:net'
import type { TestWeir } from '../../test/harness/start-weir.ts'

export type ProbeAnswer = { readonly status: number; readonly body: string }

export type ProbeRequest = {
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
}

/** A keep-alive connection to each worker. */
export type Probes = {
  /** Asks each worker again and again until its answer is as expected; returns the milliseconds since `startedAt` of each worker. */
  untilServed(
    request: ProbeRequest,
    isExpected: (answer: ProbeAnswer) => boolean,
    startedAt?: number,
  ): Promise<number[]>
  close(): void
}

type Connection = { readonly agent: Agent; readonly worker: number }

const patience = 180_000

/** Opens connections until every worker has one. */
export async function openProbes({ proxyUrl, children }: TestWeir): Promise<Probes> {
  const missing = new Set(children('weir gateway'))
  const connections: Connection[] = []
  for (let attempt = 0; missing.size > 0; attempt += 1) {
    if (attempt > 100) throw new Error(`no connection to the workers ${[...missing].join(', ')}`)
    for (const connection of await Promise.all(Array.from({ length: 10 }, () => open(proxyUrl)))) {
      if (missing.delete(connection.worker)) connections.push(connection)
      else connection.agent.destroy()
    }
  }
  return {
    untilServed(request, isExpected, startedAt = performance.now()) {
      const until = async ({ agent }: Connection): Promise<number> => {
        for (let last = await ask(agent, proxyUrl, request); !isExpected(last.answer);) {
          if (performance.now() - startedAt > patience)
            throw new Error(`${request.path} is still answered ${JSON.stringify(last.answer)}`)
          await new Promise((resolve) => void setTimeout(resolve, 1))
          last = await ask(agent, proxyUrl, request)
        }
        return performance.now() - startedAt
      }
      return Promise.all(connections.map(until))
    },
    close() {
      for (const { agent } of connections) agent.destroy()
    },
  }

  async function open(url: string): Promise<Connection> {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    const { socket } = await ask(agent, url, { path: '/' })
    const inode = acceptedInode(socket)
    const worker = children('weir gateway').find((pid) => socketsOf(pid).includes(inode))
    return { agent, worker: worker ?? 0 }
  }
}

function ask(
  agent: Agent,
  url: string,
  { path, headers = {} }: ProbeRequest,
): Promise<{ readonly answer: ProbeAnswer; readonly socket: Socket }> {
  return new Promise((resolve, reject) => {
    const request = http.get(url + path, { agent, headers }, (response) => {
      const { socket } = response
      let body = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => (body += chunk))
      response.on('end', () =>
        resolve({ answer: { status: response.statusCode ?? 0, body }, socket }),
      )
    })
    request.on('error', reject)
  })
}

/** proc(5), net/tcp: local and remote address as HEX:PORT are fields 2 and 3, the inode is field 10. */
function acceptedInode({ localPort = 0, remotePort = 0 }: Socket): string {
  const hex = (port: number): string => port.toString(16).toUpperCase().padStart(4, '0')
  const line = readFileSync('/proc/net/tcp', 'latin1')
    .split('\n')
    .map((text) => text.trim().split(/\s+/))
    .find(
      ([, local, remote]) =>
        local?.endsWith(`:${hex(remotePort)}`) === true &&
        remote?.endsWith(`:${hex(localPort)}`) === true,
    )
  return line?.[9] ?? ''
}

function socketsOf(pid: number): string[] {
  return readdirSync(`/proc/${pid}/fd`).map((fd) => {
    try {
      return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1] ?? ''
    } catch {
      return ''
    }
  })
}

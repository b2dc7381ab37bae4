import dgram from 'node:dgram'
import { once } from 'node:events'
import { onTestFinished } from 'vitest'
import { until } from './until.ts'

/** A UDP client with one source port. */
export type UdpClient = {
  readonly port: number
  readonly received: string[]
  send(datagram: string | Buffer, port?: number): void
  /** Sends until a new answer arrives: datagrams may be lost. */
  ask(datagram: string): Promise<string>
}

/** A UDP server that records received datagrams and their ports. */
export type UdpServer = {
  readonly port: number
  readonly received: string[]
  readonly peers: Set<number>
  /** Sends to every peer. */
  sayTo(datagram: string): Promise<void>
  close(): Promise<void>
}

/** Opens a client for the duration of the test. */
export async function openUdpClient(to: number, host = '127.0.0.1'): Promise<UdpClient> {
  const socket = dgram.createSocket('udp4')
  const received: string[] = []
  socket.on('message', (datagram) => received.push(String(datagram)))
  socket.bind(0, host)
  await once(socket, 'listening')
  onTestFinished(() => void socket.close())
  const send: UdpClient['send'] = (datagram, port = to) => socket.send(datagram, port, '127.0.0.1')
  return {
    port: socket.address().port,
    received,
    send,
    async ask(datagram) {
      const { length } = received
      return until(`an answer to ${datagram}`, () => {
        if (received[length] === undefined) send(datagram)
        return received[length]
      })
    },
  }
}

/** Numbered datagrams of three clients that wait for an answer to each before the next. */
export type UdpLoad = {
  readonly answered: () => number
  /** Stops, and returns the datagrams without an answer in five seconds. */
  stop(): Promise<readonly string[]>
}

/** Sends datagrams to an echoing service until it is stopped. */
export async function startUdpLoad(to: number): Promise<UdpLoad> {
  let [isStopped, answered] = [false, 0]
  const lost: string[] = []
  const run = async (client: UdpClient): Promise<void> => {
    for (let number = 0; !isStopped; number += 1) {
      const text = `${client.port} ${number}`
      client.send(text)
      const isAnswered = until(text, () => client.received.includes(text), 5_000)
      await isAnswered.then(
        () => (answered += 1),
        () => lost.push(text),
      )
      client.received.length = 0
    }
  }
  const clients = await Promise.all([openUdpClient(to), openUdpClient(to), openUdpClient(to)])
  const running = clients.map(run)
  return {
    answered: () => answered,
    async stop() {
      isStopped = true
      await Promise.all(running)
      return lost
    },
  }
}

/** A port on which nothing receives. */
export async function freeUdpPort(): Promise<number> {
  const socket = dgram.createSocket('udp4').bind(0, '127.0.0.1')
  await once(socket, 'listening')
  const { port } = socket.address()
  await new Promise((resolve) => void socket.close(() => resolve(undefined)))
  return port
}

/** Starts a server for the duration of the test, which answers each datagram with `answers`. */
export async function startUdpServer(
  answers: (datagram: string, times: number) => readonly string[] = (datagram) => [datagram],
  wanted = 0,
): Promise<UdpServer> {
  const socket = dgram.createSocket('udp4')
  const received: string[] = []
  const peers = new Set<number>()
  socket.on('message', (datagram, peer) => {
    received.push(String(datagram))
    peers.add(peer.port)
    for (const answer of answers(String(datagram), received.length))
      socket.send(answer, peer.port, peer.address)
  })
  socket.bind(wanted, '127.0.0.1')
  await once(socket, 'listening')
  const { port } = socket.address()
  let closing: Promise<unknown> | undefined
  const close = async (): Promise<void> => {
    closing ??= new Promise((resolve) => void socket.close(() => resolve(undefined)))
    await closing
  }
  onTestFinished(close)
  const sayTo = async (datagram: string): Promise<void> => {
    for (const peer of peers) socket.send(datagram, peer, '127.0.0.1')
  }
  return { port, received, peers, sayTo, close }
}

import { once } from 'node:events'
import net, { type AddressInfo } from 'node:net'
import { openMessageReader, type Message } from '../harness/read-messages.ts'

/** An upstream that records the bytes it receives. */
export type Recorder = {
  readonly port: number
  /** Complete messages that were not taken yet. */
  readonly messages: Message[]
  /** Number of complete messages so far: the serial of the next response. */
  readonly served: number
  /** Protocol violations. */
  readonly complaints: string[]
  close(): void
}

/** The response field that identifies its request. */
export const serialField = 'x-serial'

/** Answers every complete request with its serial number. */
export async function openRecorder(): Promise<Recorder> {
  const messages: Message[] = []
  const complaints: string[] = []
  let served = 0
  const sockets = new Set<net.Socket>()
  const server = net.createServer((socket) => {
    sockets.add(socket)
    const reader = openMessageReader({
      ruleOf: () => 'by fields',
      onMessage(message) {
        if (!message.whole) return
        messages.push(message)
        socket.write(answerTo(message, served))
        served += 1
      },
    })
    const complain = (error: unknown): void => {
      complaints.push(String(error))
      socket.destroy()
    }
    socket.setNoDelay()
    socket.on('data', (chunk) => attempt(() => reader.feed(chunk), complain))
    socket.on('end', () => attempt(() => reader.end(), complain))
    socket.on('error', () => undefined)
    socket.on('close', () => sockets.delete(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    messages,
    get served() {
      return served
    },
    complaints,
    close() {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}

function attempt(act: () => void, onError: (error: unknown) => void): void {
  try {
    act()
  } catch (error) {
    onError(error)
  }
}

function answerTo({ start }: Message, serial: number): string {
  const body = start.startsWith('HEAD ') ? '' : `answer ${serial}`
  return `HTTP/1.1 200 OK\r\nX-Serial: ${serial}\r\nContent-Length: ${body.length}\r\n\r\n${body}`
}

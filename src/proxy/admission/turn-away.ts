import type { Socket } from 'node:net'
import { Problem } from '../../lib/problem.ts'
import type { Reply } from '../exchange.ts'
import type { FrontEvents } from '../front/front-events.ts'
import { ClientReply } from '../http1/client-reply.ts'

/** How long a connection that was turned away is listened to, so that its client can read why before it sees a reset. */
const lingering = 1_000
/** Connections that may linger so; more are closed at once. */
const mostLingering = 256

/** Makes the way to turn connections away for which there is no room: with a short answer where nothing has to be shaken hands on first, else by closing. Each is recorded. */
export function openConnectionRejection(
  events: Pick<FrontEvents, 'onMalformed'>,
): (socket: Socket, speaksHttp: boolean) => void {
  const full = new Problem('admission.connections', 503, 'The gateway has too many connections', {
    headers: { 'Retry-After': '1' },
  })
  let left = 0

  const linger = (socket: Socket): void => {
    left += 1
    const late = setTimeout(() => socket.destroy(), lingering)
    socket.once('close', () => {
      left -= 1
      clearTimeout(late)
    })
    socket.resume()
    socket.end()
  }
  return (socket, speaksHttp) => {
    const clientAddress = (socket.remoteAddress ?? '').replace(/^::ffff:/, '')
    socket.on('error', () => socket.destroy())
    const connection = {
      mayPersist: () => false,
      answered: () => linger(socket),
      switched: () => undefined,
    }
    const reply: Reply =
      speaksHttp && left < mostLingering
        ? new ClientReply({ socket, method: 'GET', minor: 1, connection })
        : closing(socket)
    events.onMalformed(full, reply, clientAddress)
  }
}

/** An answer that consists of closing. */
const closing = (socket: Socket): Reply => ({
  begin: () => undefined,
  write: () => true,
  pendingBytes: 0,
  onWritable: () => undefined,
  finish: () => void socket.destroy(),
  abort: () => void socket.destroy(),
})

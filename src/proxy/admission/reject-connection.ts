import type { Socket } from 'node:net'
import { Problem } from '../../lib/problem.ts'
import type { Reply } from '../exchange.ts'
import type { FrontEvents } from '../front/front-events.ts'
import { socketOrigin } from '../front/origin.ts'
import { ClientReply } from '../http1/client-reply.ts'

/** Time for which a rejected connection is read, so that the client gets the response before a reset. */
const lingerMilliseconds = 1_000
/** Limit of lingering connections; further ones are closed at once. */
const maxLingering = 256

/** Rejects connections over the limit: plaintext HTTP gets a 503, others are closed. Each is recorded. */
export function openConnectionRejection(
  events: Pick<FrontEvents, 'onMalformed' | 'onClientError'>,
): (socket: Socket, speaksHttp: boolean) => void {
  const full = new Problem('admission.connections', 503, 'The gateway has too many connections', {
    headers: { 'Retry-After': '1' },
  })
  let left = 0

  const linger = (socket: Socket): void => {
    left += 1
    const late = setTimeout(() => socket.destroy(), lingerMilliseconds)
    socket.once('close', () => {
      left -= 1
      clearTimeout(late)
    })
    socket.resume()
    socket.end()
  }
  return (socket, speaksHttp) => {
    const clientAddress = socketOrigin(socket).client.address
    socket.on('error', (error) => {
      events.onClientError(error, clientAddress)
      socket.destroy()
    })
    const connection = {
      mayKeepAlive: () => false,
      answered: () => linger(socket),
      switched: () => undefined,
    }
    const reply: Reply =
      speaksHttp && left < maxLingering
        ? new ClientReply({ socket, method: 'GET', minor: 1, connection })
        : closing(socket)
    events.onMalformed(full, reply, clientAddress)
  }
}

/** Closes without a response. */
const closing = (socket: Socket): Reply => ({
  begin: () => undefined,
  write: () => true,
  pendingBytes: 0,
  onWritable: () => undefined,
  finish: () => void socket.destroy(),
  abort: () => void socket.destroy(),
})

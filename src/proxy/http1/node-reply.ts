import type { Server, ServerResponse } from 'node:http'
import type { Reply } from '../exchange.ts'
import type { HeaderList } from '../header-list.ts'

/** The way back to a client through Node's own server; the last answer of a server that takes no more says so. */
export function openNodeReply(response: ServerResponse, server: Server): Reply {
  return {
    begin(status: number, headers: HeaderList) {
      if (!server.listening) response.shouldKeepAlive = false
      response.writeHead(status, headers.flat)
    },
    write: (chunk) => response.write(chunk),
    onWritable(resume) {
      response.once('drain', resume)
    },
    finish(last) {
      if (last === undefined) response.end()
      else response.end(last)
    },
    abort() {
      response.destroy()
    },
    upgrade(headers, peer) {
      const { socket } = response
      if (socket === null) {
        peer.end()
        return
      }
      response.detachSocket(socket)
      const lines = headers.flat.flatMap((name, at) =>
        at % 2 === 0 ? [`${name}: ${headers.flat[at + 1]}\r\n`] : [],
      )
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${lines.join('')}\r\n`,
      )
      const end = (): void => {
        socket.destroy()
        ;(peer as typeof socket).destroy()
      }
      for (const stream of [socket, peer]) stream.on('error', end).on('close', end)
      socket.pipe(peer)
      peer.pipe(socket)
    },
  }
}

import net, { type Socket } from 'node:net'
import tls from 'node:tls'
import { guardedAddress, type Egress } from '../../lib/egress.ts'
import type { ExportTarget } from '../../schema/exporter.ts'
import type { Sink } from './sink.ts'

/** Writes batches to one connection. A batch counts as sent once the kernel has all of it: TCP has no acknowledgement of the receiver. */
export function openTcpSink(target: Extract<ExportTarget, { kind: 'tcp' }>, egress: Egress): Sink {
  const { host, port, timeout, keepalive } = target
  let socket: Socket | undefined

  const connect = (signal: AbortSignal): Promise<Socket> =>
    new Promise((resolve, reject) => {
      const address = guardedAddress(egress, host, port)
      const { serverName } = target
      const name = serverName ?? (net.isIP(host) === 0 ? host : '')
      const opened = target.isSecure
        ? tls.connect({ ...address, ...(name === '' ? {} : { servername: name }) })
        : net.connect(address)
      const settle = within(opened, { timeout, signal }, reject)
      opened.on('error', () => opened.destroy())
      opened.once(target.isSecure ? 'secureConnect' : 'connect', () => {
        settle()
        // Discards received bytes, so that the end of the connection is noticed.
        opened.resume()
        opened.once('end', () => opened.destroy())
        opened.setTimeout(keepalive, () => opened.destroy())
        resolve(opened)
      })
    })
  const write = (to: Socket, body: string | Uint8Array, signal: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      const settle = within(to, { timeout, signal }, reject)
      to.write(body, (error) => {
        settle()
        if (error === null || error === undefined) resolve()
        else reject(error)
      })
    })

  return {
    async send(body, signal) {
      try {
        if (socket === undefined || socket.destroyed) socket = await connect(signal)
        await write(socket, body, signal)
      } catch (error) {
        socket?.destroy()
        socket = undefined
        throw new Error(`${host}:${port}: ${(error as Error).message}`, { cause: error })
      }
    },
    close() {
      socket?.end()
      socket?.unref()
      socket = undefined
    },
  }
}

/** Rejects for an error of the socket, at the end of the time, or when the signal is aborted; returns the function that removes its listeners. */
function within(
  socket: Socket,
  { timeout, signal }: { readonly timeout: number; readonly signal: AbortSignal },
  reject: (error: Error) => void,
): () => void {
  const fail = (error: Error): void => {
    settle()
    socket.destroy()
    reject(error)
  }
  const abort = (): void => fail(new Error('stopped'))
  const close = (): void => fail(new Error('connection closed'))
  const timer = setTimeout(() => fail(new Error('timeout')), timeout)
  const settle = (): void => {
    clearTimeout(timer)
    signal.removeEventListener('abort', abort)
    socket.off('close', close)
    socket.off('error', fail)
  }
  signal.addEventListener('abort', abort)
  socket.once('error', fail)
  socket.once('close', close)
  return settle
}

import type { Socket } from 'node:net'
import type { AttemptFailure } from '../walk/ask-upstream.ts'
import { tryFailure } from '../http1/upstream-failure.ts'
import { openTargetSocket, readyEvent, type ConnectionWish } from './open-target-socket.ts'

/** Connects to a target, and when it is to be secure, also shakes hands and verifies, all within `milliseconds`. Rejects with a AttemptFailure of stage `connect`. */
export function connectTarget(
  wish: ConnectionWish,
  protocols: readonly string[],
  milliseconds: number,
): Promise<Socket> {
  return new Promise<Socket>((resolve, reject: (failure: AttemptFailure) => void) => {
    const socket = openTargetSocket(wish, protocols)
    const fail = (error: unknown): void => {
      clearTimeout(timer)
      socket.destroy()
      reject(tryFailure(error, 'connect'))
    }
    const closed = (): void => fail(coded('ECONNRESET', 'closed while connecting'))
    const timer = setTimeout(() => fail(coded('ETIMEDOUT', 'not connected in time')), milliseconds)
    socket.on('error', fail)
    socket.once('close', closed)
    socket.once(readyEvent(wish), () => {
      clearTimeout(timer)
      socket.off('error', fail)
      socket.off('close', closed)
      resolve(socket)
    })
  })
}

const coded = (code: string, message: string): Error => Object.assign(new Error(message), { code })

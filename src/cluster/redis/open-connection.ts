import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { guardedAddress, type Egress } from '../../lib/egress.ts'
import type { RedisAddress } from '../../proxy/plugin.ts'
import { openReplyReader, RedisError, type RedisReply } from './read-replies.ts'

/** A command with its arguments. */
export type RedisCommand = readonly (string | number)[]

/** A connection that is opened by the first command, and again by the first one after a failure. */
export type RedisConnection = {
  /** Rejects for a reply that is an error, after `timeout` milliseconds without one, and while Redis is unreachable. */
  call(command: RedisCommand): Promise<RedisReply>
  close(): void
}

type Pending = {
  readonly resolve: (reply: RedisReply) => void
  readonly reject: (error: Error) => void
}

type Live = { send(command: RedisCommand): Promise<RedisReply>; end(error: Error): void }

/** Milliseconds after a failed attempt in which commands fail at once, so that requests do not all wait for an unreachable Redis. */
const retryDelay = 500

export function openRedisConnection(address: RedisAddress, egress: Egress): RedisConnection {
  let live: Promise<Live> | undefined
  let failed: { readonly at: number; readonly error: Error } | undefined
  let isClosed = false
  const connect = (): Promise<Live> => {
    const opening = startConnection(address, egress, () => {
      if (live === opening) live = undefined
    })
    opening.catch((error: Error) => {
      failed = { at: performance.now(), error }
      if (live === opening) live = undefined
    })
    return opening
  }
  return {
    async call(command) {
      if (isClosed) throw new Error('the connection to Redis is closed')
      if (live === undefined && failed !== undefined && performance.now() - failed.at < retryDelay)
        throw failed.error
      live ??= connect()
      return (await live).send(command)
    },
    close() {
      isClosed = true
      const ending = live
      live = undefined
      ending?.then(
        (one) => one.end(new Error('the connection to Redis was closed')),
        () => undefined,
      )
    },
  }
}

/** Connects and authenticates; `onEnd` is called once it is of no more use. */
async function startConnection(
  address: RedisAddress,
  egress: Egress,
  onEnd: () => void,
): Promise<Live> {
  const { timeout, username, password, database } = address
  const waiting: Pending[] = []
  const socket = openSocket(address, egress)
  const end = (error: Error): void => {
    socket.destroy()
    onEnd()
    for (const { reject } of waiting.splice(0)) reject(error)
  }
  const read = openReplyReader((reply) => {
    const pending = waiting.shift()
    if (reply instanceof RedisError) pending?.reject(reply)
    else pending?.resolve(reply)
    socket.setTimeout(waiting.length === 0 ? 0 : timeout)
  })
  socket.on('data', (bytes) => {
    try {
      read(bytes)
    } catch (error) {
      end(error as Error)
    }
  })
  socket.on('error', end)
  for (const event of ['end', 'close'])
    socket.on(event, () => end(new Error('Redis closed the connection')))
  socket.on('timeout', () => end(new Error(`Redis did not answer within ${timeout} ms`)))
  const send = (command: RedisCommand): Promise<RedisReply> =>
    new Promise((resolve, reject) => {
      if (socket.destroyed) return reject(new Error('the connection to Redis was lost'))
      waiting.push({ resolve, reject })
      socket.setTimeout(timeout)
      socket.write(encodeCommand(command))
    })
  const greetings = [
    ...(password === null || password === ''
      ? []
      : [['AUTH', ...(username === null ? [] : [username]), password]]),
    ...(database === 0 ? [] : [['SELECT', database]]),
  ]
  try {
    await Promise.all([...greetings, ['PING']].map(send))
  } catch (error) {
    end(error as Error)
    throw error
  }
  return { send, end }
}

/** Throws an EgressDenied. */
function openSocket(
  { host, port, ssl, ssl_verify: verifies, server_name: name }: RedisAddress,
  egress: Egress,
): Socket {
  const at = { ...guardedAddress(egress, host, port), noDelay: true }
  if (!ssl) return connectTcp(at)
  const servername = name ?? (isIP(at.host) === 0 ? at.host : '')
  return connectTls({ ...at, servername, rejectUnauthorized: verifies })
}

const encodeCommand = (command: RedisCommand): string =>
  command.reduce<string>((text, word) => {
    const part = String(word)
    return `${text}$${Buffer.byteLength(part)}\r\n${part}\r\n`
  }, `*${command.length}\r\n`)

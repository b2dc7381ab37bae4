import http from 'node:http'
import http2 from 'node:http2'
import net from 'node:net'
import { onTestFinished } from 'vitest'

/** A client protocol. */
export type Protocol = 'http1' | 'http2' | 'websocket' | 'stream'

/** Outcome of an exchange for its client: the response of the service, another response, or a closed connection. */
export type End = 'served' | 'answered' | 'cut'

/** Returns a function that sends a request and reports how it ended. */
export function openClient(protocol: Protocol, port: number): () => Promise<End> {
  if (protocol === 'stream') return () => sendStream(port)
  if (protocol === 'websocket') return () => sendWebSocket(port)
  if (protocol === 'http2') {
    const session = http2.connect(`http://127.0.0.1:${port}`)
    // Its streams tell how they ended.
    session.on('error', () => undefined)
    onTestFinished(() => session.destroy())
    return () => sendHttp2(session)
  }
  const agent = new http.Agent({ keepAlive: true })
  onTestFinished(() => agent.destroy())
  return () => sendHttp1(port, agent)
}

const endOf = (status: number, text: string): End =>
  status === 200 && text === 'one two' ? 'served' : 'answered'

function sendHttp1(port: number, agent: http.Agent): Promise<End> {
  return new Promise((resolve) => {
    const request = http.get({ port, host: '127.0.0.1', agent })
    request.on('error', () => resolve('cut'))
    request.on('response', (response) => {
      let text = ''
      response.on('data', (part) => (text += String(part)))
      response.on('error', () => resolve('cut'))
      response.on('end', () => resolve(endOf(response.statusCode ?? 0, text)))
    })
  })
}

function sendHttp2(session: http2.ClientHttp2Session): Promise<End> {
  return new Promise((resolve) => {
    const stream = session.request({ ':path': '/' })
    let status = 0
    let text = ''
    stream.on('response', (head) => (status = Number(head[':status'])))
    stream.on('data', (part) => (text += String(part)))
    stream.on('error', () => resolve('cut'))
    stream.on('close', () => resolve(status === 0 ? 'cut' : endOf(status, text)))
  })
}

function sendWebSocket(port: number): Promise<End> {
  return new Promise((resolve) => {
    const request = http.get({
      port,
      host: '127.0.0.1',
      agent: false,
      headers: { connection: 'Upgrade', upgrade: 'websocket' },
    })
    request.on('error', () => resolve('cut'))
    request.on('upgrade', (_response, socket) => {
      socket.destroy()
      resolve('served')
    })
    request.on('response', (response) => {
      response.on('error', () => resolve('cut'))
      response.resume().on('end', () => resolve('answered'))
    })
  })
}

async function sendStream(port: number): Promise<End> {
  const socket = net.connect({ port, host: '127.0.0.1' })
  let text = ''
  let isEnded = false
  socket.on('data', (part) => (text += String(part)))
  socket.on('end', () => (isEnded = true))
  socket.on('error', () => undefined)
  socket.write('ping')
  await new Promise((resolve) => socket.on('close', resolve))
  return isEnded && text === 'one two' ? 'served' : 'cut'
}

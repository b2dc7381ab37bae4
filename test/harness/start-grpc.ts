import * as grpc from '@grpc/grpc-js'
import { onTestFinished } from 'vitest'
import type { Pair } from './make-certificate.ts'

const plain = {
  requestSerialize: (text: string) => Buffer.from(text),
  requestDeserialize: (bytes: Buffer) => bytes.toString(),
  responseSerialize: (text: string) => Buffer.from(text),
  responseDeserialize: (bytes: Buffer) => bytes.toString(),
}

/** A service with one method of each kind; messages are text. */
const definition = {
  Once: { path: '/test.Echo/Once', requestStream: false, responseStream: false, ...plain },
  Gather: { path: '/test.Echo/Gather', requestStream: true, responseStream: false, ...plain },
  Spread: { path: '/test.Echo/Spread', requestStream: false, responseStream: true, ...plain },
  Talk: { path: '/test.Echo/Talk', requestStream: true, responseStream: true, ...plain },
}

/** Handlers that replace the default echo. */
export type GrpcAnswers = Partial<Record<keyof typeof definition, grpc.UntypedHandleCall>>

/** Starts a real gRPC server on a free port for the duration of the test. */
export async function startGrpc(
  answers: GrpcAnswers = {},
  secure?: { readonly pair: Pair; readonly authority: string },
): Promise<{ port: number; server: grpc.Server }> {
  const server = new grpc.Server()
  server.addService(definition, { ...echoes, ...answers })
  const credentials =
    secure === undefined
      ? grpc.ServerCredentials.createInsecure()
      : grpc.ServerCredentials.createSsl(
          Buffer.from(secure.authority),
          [
            {
              cert_chain: Buffer.from(secure.pair.cert),
              private_key: Buffer.from(secure.pair.key),
            },
          ],
          true,
        )
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', credentials, (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    )
  })
  onTestFinished(() => server.forceShutdown())
  return { port, server }
}

const echoes: Record<keyof typeof definition, grpc.UntypedHandleCall> = {
  Once(call: grpc.ServerUnaryCall<string, string>, callback: grpc.sendUnaryData<string>) {
    const trailers = new grpc.Metadata()
    trailers.set('x-trailer', 'after')
    const head = new grpc.Metadata()
    head.set('x-head', 'before')
    call.sendMetadata(head)
    callback(null, `once ${call.request}`, trailers)
  },
  Gather(call: grpc.ServerReadableStream<string, string>, callback: grpc.sendUnaryData<string>) {
    const parts: string[] = []
    call.on('data', (part: string) => parts.push(part))
    call.on('end', () => callback(null, parts.join(',')))
  },
  Spread(call: grpc.ServerWritableStream<string, string>) {
    for (const part of call.request.split(',')) call.write(part)
    call.end()
  },
  Talk(call: grpc.ServerDuplexStream<string, string>) {
    call.on('data', (part: string) => call.write(`heard ${part}`))
    call.on('end', () => call.end())
  },
}

/** A real gRPC client for the duration of the test. */
export function callGrpc(
  address: string,
  credentials = grpc.credentials.createInsecure(),
  options: grpc.ClientOptions = {},
) {
  const client = new grpc.Client(address, credentials, options)
  onTestFinished(() => client.close())
  const methods = definition
  return {
    once: (text: string, metadata = new grpc.Metadata(), call: grpc.CallOptions = {}) =>
      new Promise<{ text: string; head: grpc.Metadata; status: grpc.StatusObject }>(
        (resolve, reject) => {
          const found: { text: string; head: grpc.Metadata } = { text: '', head: metadata }
          const { path, requestSerialize, responseDeserialize } = methods.Once
          client
            .makeUnaryRequest(
              path,
              requestSerialize,
              responseDeserialize,
              text,
              metadata,
              call,
              (error, answer) => (error === null ? (found.text = answer ?? '') : reject(error)),
            )
            .on('metadata', (head) => (found.head = head))
            .on('status', (status) => status.code === 0 && resolve({ ...found, status }))
        },
      ),
    gather: (parts: readonly string[]) =>
      new Promise<string>((resolve, reject) => {
        const { path, requestSerialize, responseDeserialize } = methods.Gather
        const call = client.makeClientStreamRequest(
          path,
          requestSerialize,
          responseDeserialize,
          (error, answer) => (error === null ? resolve(answer ?? '') : reject(error)),
        )
        for (const part of parts) call.write(part)
        call.end()
      }),
    spread(text: string) {
      const { path, requestSerialize, responseDeserialize } = methods.Spread
      return client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, text)
    },
    talk() {
      const { path, requestSerialize, responseDeserialize } = methods.Talk
      return client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize)
    },
  }
}

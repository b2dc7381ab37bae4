import type { RequestHead } from '../exchange.ts'
import type { HeaderList } from '../header-list.ts'

/** The fields of a request whose `X-Forwarded-*` are trusted, because it came through a trusted proxy. */
export const forwardedFields = ({ proxyAddress, headers }: RequestHead): HeaderList | undefined =>
  proxyAddress === undefined ? undefined : headers

/** The scheme that the client used, as reported by a trusted proxy. */
export const forwardedProto = (request: RequestHead): string =>
  forwardedFields(request)?.get('x-forwarded-proto') ?? request.scheme

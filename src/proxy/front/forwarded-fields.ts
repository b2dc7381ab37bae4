import type { RequestHead } from '../exchange.ts'
import type { HeaderList } from '../header-list.ts'

/** The fields of a request whose `X-Forwarded-*` are believed: it came through a trusted proxy. */
export const forwardedFields = ({ proxyAddress, headers }: RequestHead): HeaderList | undefined =>
  proxyAddress === undefined ? undefined : headers

/** The scheme that the client used, as far as a trusted proxy tells. */
export const forwardedProto = (request: RequestHead): string =>
  forwardedFields(request)?.get('x-forwarded-proto') ?? request.scheme

import type { Exchange } from '../../proxy/exchange.ts'
import type { HeaderList } from '../../proxy/header-list.ts'

/** Bytes of the request in HTTP/1.1 form, with its head: nginx's `request_length`. */
export function requestSize({ request, body }: Exchange): number {
  const { method, path, query } = request
  const line = method.length + path.length + (query === '' ? 0 : query.length + 1) + 12
  return line + headSize(request.headers) + body.received
}

/** Bytes of the response in HTTP/1.1 form, with its head: nginx's `bytes_sent`. */
export function responseSize({ sentHeaders, responseBytes }: Exchange): number {
  if (sentHeaders === undefined) return responseBytes
  return statusLine + headSize(sentHeaders) + responseBytes
}

/** Of `HTTP/1.1 200 OK`. */
const statusLine = 17

/** Characters stand for bytes; each field has a colon, a space and a line end, and the last is followed by an empty line. */
function headSize({ flat }: HeaderList): number {
  let size = 2
  for (const text of flat) size += text.length + 2
  return size
}

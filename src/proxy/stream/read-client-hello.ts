/** 'more' when incomplete, 'none' when the bytes are not a ClientHello. */
export type ClientHello = 'more' | 'none' | { readonly serverName: string | undefined }

const handshake = 22
const clientHello = 1
const serverNameExtension = 0
const hostName = 0
/** Maximum size of a ClientHello. */
const most = 16_384

/** Reads SNI from a ClientHello (RFC 8446 section 4.1.2, RFC 6066 section 3), also when it is split into records. */
export function readClientHello(bytes: Buffer): ClientHello {
  const message = joinRecords(bytes)
  if (typeof message === 'string') return message
  try {
    return { serverName: serverNameIn(message) }
  } catch (error) {
    if (error instanceof RangeError) return 'none'
    throw error
  }
}

/** The body of the first handshake message. */
function joinRecords(bytes: Buffer): Buffer | 'more' | 'none' {
  const parts: Buffer[] = []
  let length = 0
  for (let at = 0; at < bytes.length;) {
    if (bytes[at] !== handshake) return 'none'
    if (bytes.length < at + 5) break
    const end = at + 5 + bytes.readUInt16BE(at + 3)
    const part = bytes.subarray(at + 5, end)
    parts.push(part)
    length += part.length
    at = end
  }
  const joined = Buffer.concat(parts, length)
  if (length > 0 && joined[0] !== clientHello) return 'none'
  if (length < 4) return 'more'
  const size = joined.readUIntBE(1, 3)
  if (size > most) return 'none'
  return length < 4 + size ? 'more' : joined.subarray(4, 4 + size)
}

function serverNameIn(hello: Buffer): string | undefined {
  const versionAndRandom = 34
  let at = versionAndRandom
  at += 1 + hello.readUInt8(at)
  at += 2 + hello.readUInt16BE(at)
  at += 1 + hello.readUInt8(at)
  if (at === hello.length) return undefined
  const end = at + 2 + hello.readUInt16BE(at)
  for (at += 2; at < end;) {
    const size = hello.readUInt16BE(at + 2)
    if (hello.readUInt16BE(at) === serverNameExtension)
      return firstName(hello.subarray(at + 4, at + 4 + size))
    at += 4 + size
  }
  return undefined
}

function firstName(list: Buffer): string | undefined {
  if (list.readUInt8(2) !== hostName) return undefined
  const size = list.readUInt16BE(3)
  return list.toString('latin1', 5, 5 + size).toLowerCase()
}

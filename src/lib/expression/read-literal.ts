import { bitsOf, isBlock, readAddress } from './read-address.ts'
import type { Source } from './source.ts'
import type { Literal } from './syntax.ts'

/** Reads the right side of a predicate. As in the grammar of Kong's router, the first form that fits is the only one. */
export function readLiteral(source: Source): Literal {
  const { at } = source
  if (source.sees('"')) return { kind: 'string', text: readString(source) }
  const raw = source.match(/r#"(.*?)"#/sy)
  if (raw !== undefined) return { kind: 'string', text: raw[1] as string }
  if (source.sees('r#"')) return source.fail('missing "# after r#"')
  const block = source.match(blockForm)
  if (block !== undefined) return readBlock(source, block[0], at)
  const address = source.match(addressForm)
  if (address !== undefined) return readIp(source, address[0], at)
  const integer = source.match(/(-?)(?:0([0-7]+)|0x([\da-f]+)|(\d+))/iy)
  if (integer !== undefined) return readInteger(source, integer, at)
  return source.fail('expected a string, an IP address, a CIDR block or an integer')
}

const blockForm = /(?:\d{1,3}(?:\.\d{1,3}){3}\/\d{1,2}|(?::|[\da-f]{1,4}):[\da-f:]*\/\d{1,3})/iy
const addressForm = /(?:\d{1,3}(?:\.\d{1,3}){3}|(?::|[\da-f]{1,4}):[\da-f:]*)/iy

const escapes: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t' }

function readString(source: Source): string {
  const { at } = source
  const found = source.match(/"((?:[^"\\]|\\["\\nrt])*)"/y)
  if (found !== undefined)
    return (found[1] as string).replaceAll(
      /\\(.)/g,
      (_, letter: string) => escapes[letter] ?? letter,
    )
  const [valid] = /^"(?:[^"\\]|\\["\\nrt])*/.exec(source.text.slice(at)) as RegExpExecArray
  const end = at + valid.length
  return end === source.text.length
    ? source.fail('missing " at the end of the string', at)
    : source.fail(String.raw`only \", \\, \n, \r and \t can be escaped in a string`, end)
}

function readIp(source: Source, text: string, at: number): Literal {
  const address = readAddress(text)
  if (address === undefined) return source.fail(`invalid IP address '${text}'`, at)
  return { kind: 'ip', address: text, family: address.family }
}

function readBlock(source: Source, text: string, at: number): Literal {
  const [first = '', length = ''] = text.split('/')
  const address = readAddress(first)
  const bits = Number(length)
  if (address === undefined || bits > bitsOf(address.family))
    return source.fail(`invalid CIDR block '${text}'`, at)
  if (!isBlock(address, bits))
    return source.fail(`'${text}' has bits after its first ${bits} that are not zero`, at)
  return { kind: 'cidr', block: text, family: address.family }
}

const maxInteger = 2n ** 63n - 1n

function readInteger(source: Source, found: RegExpExecArray, at: number): Literal {
  const [text, sign, octal, hexadecimal, decimal] = found
  const size =
    octal !== undefined
      ? BigInt(`0o${octal}`)
      : BigInt(hexadecimal !== undefined ? `0x${hexadecimal}` : (decimal as string))
  if (size > maxInteger) return source.fail(`'${text}' has more than 64 bits`, at)
  return { kind: 'int', number: sign === '-' ? -Number(size) : Number(size) }
}

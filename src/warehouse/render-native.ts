import { withRoom } from '../lib/with-room.ts'
import type { ColumnBlock, ColumnData, TextColumn } from '../schema/column-block.ts'
import type { Table } from './tables.ts'

/**
 * Writes a block in ClickHouse's format Native, with the columns that both the block and the table have.
 * https://clickhouse.com/docs/interfaces/formats/Native
 */
export function renderNative(block: ColumnBlock, table: Pick<Table, 'columns'>): Buffer {
  const bytes = new NativeBytes()
  const columns = [...block.columns].filter(([name]) => table.columns[name] !== undefined)
  bytes.varint(columns.length)
  bytes.varint(block.rows)
  for (const [name, data] of columns) {
    const { type } = table.columns[name] as { readonly type: string }
    bytes.text(name)
    bytes.text(type)
    writeColumn(bytes, type, data, block)
  }
  return bytes.take()
}

function writeColumn(bytes: NativeBytes, type: string, data: ColumnData, block: ColumnBlock): void {
  if (data.kind === 'texts') {
    const element = type.slice('Array('.length, -1)
    const isLowCardinality = element === lowCardinality
    if (isLowCardinality) bytes.uint64(dictionaryVersion)
    for (const end of data.ends) bytes.uint64(end)
    if (isLowCardinality) writeDictionary(bytes, data.indexes, block.texts)
    else writeTexts(bytes, data.indexes, block.texts)
  } else if (data.kind === 'text') {
    writeText(bytes, type, data, block.texts)
  } else if (data.kind === 'uuid') {
    writeUuids(bytes, data.bytes)
  } else {
    for (const value of data.values) writeNumber(bytes, type, value)
  }
}

function writeText(
  bytes: NativeBytes,
  type: string,
  { indexes }: TextColumn,
  texts: readonly string[],
): void {
  if (type !== lowCardinality) return writeTexts(bytes, indexes, texts)
  bytes.uint64(dictionaryVersion)
  writeDictionary(bytes, indexes, texts)
}

const lowCardinality = 'LowCardinality(String)'

/** SharedDictionariesWithAdditionalKeys, the only version of the serialization. */
const dictionaryVersion = 1
const hasAdditionalKeys = 1 << 9
const needsUpdate = 1 << 10

/** The keys that occur, then the key of each entry. */
function writeDictionary(bytes: NativeBytes, indexes: Uint32Array, texts: readonly string[]): void {
  if (indexes.length === 0) return
  // The key of each text plus one; 0 for texts that do not occur.
  const keyOf = new Uint32Array(texts.length)
  const keys: string[] = []
  for (const index of indexes) {
    if (keyOf[index] === 0) keyOf[index] = keys.push(texts[index] as string)
  }
  const width = keys.length <= 0x100 ? 0 : keys.length <= 0x1_0000 ? 1 : 2
  bytes.uint64(width | hasAdditionalKeys | needsUpdate)
  bytes.uint64(keys.length)
  for (const key of keys) bytes.text(key)
  bytes.uint64(indexes.length)
  bytes.integers(indexes, keyOf, 1 << width)
}

/** Texts by their index, each encoded once. */
function writeTexts(bytes: NativeBytes, indexes: Uint32Array, texts: readonly string[]): void {
  const encoded: Buffer[] = []
  for (const index of indexes) bytes.append((encoded[index] ??= encodeText(texts[index] as string)))
}

function encodeText(text: string): Buffer {
  const one = new NativeBytes(text.length + 16)
  one.text(text)
  return one.take()
}

/** A UUID is two little-endian UInt64, the upper half first. */
function writeUuids(bytes: NativeBytes, uuids: Buffer): void {
  const turned = Buffer.from(uuids)
  bytes.append(turned.swap64())
}

function writeNumber(bytes: NativeBytes, type: string, value: number): void {
  switch (type) {
    case 'UInt8':
      return bytes.uint8(Math.min(value, 0xff))
    case 'UInt16':
      return bytes.uint16(Math.min(value, 0xffff))
    default:
      // UInt64, and the Int64 of DateTime64.
      return bytes.uint64(value)
  }
}

/** A growing buffer. */
class NativeBytes {
  #bytes: Buffer<ArrayBuffer>
  #at = 0

  constructor(size = 1 << 20) {
    this.#bytes = Buffer.allocUnsafe(size)
  }

  take(): Buffer {
    return this.#bytes.subarray(0, this.#at)
  }

  varint(value: number): void {
    this.#reserve(10)
    let rest = value
    for (; rest > 127; rest = Math.floor(rest / 128)) this.#bytes[this.#at++] = (rest % 128) | 0x80
    this.#bytes[this.#at++] = rest
  }

  text(text: string): void {
    const length = Buffer.byteLength(text)
    this.varint(length)
    this.#reserve(length)
    this.#at += this.#bytes.write(text, this.#at)
  }

  append(part: Buffer): void {
    this.#reserve(part.length)
    part.copy(this.#bytes, this.#at)
    this.#at += part.length
  }

  uint8(value: number): void {
    this.#reserve(1)
    this.#bytes[this.#at++] = value
  }

  uint16(value: number): void {
    this.#reserve(2)
    this.#at = this.#bytes.writeUInt16LE(value, this.#at)
  }

  /** An integer below 2^53; a negative one as two's complement. */
  uint64(value: number): void {
    this.#reserve(8)
    const high = Math.floor(value / 2 ** 32)
    this.#bytes.writeUInt32LE(value - high * 2 ** 32, this.#at)
    this.#bytes.writeInt32LE(high | 0, this.#at + 4)
    this.#at += 8
  }

  /** `keyOf[index] - 1` of each index, in `width` bytes. */
  integers(indexes: Uint32Array, keyOf: Uint32Array, width: number): void {
    this.#reserve(width * indexes.length)
    const bytes = this.#bytes
    let at = this.#at
    for (const index of indexes) {
      const key = (keyOf[index] as number) - 1
      bytes[at++] = key & 0xff
      if (width > 1) bytes[at++] = (key >> 8) & 0xff
      if (width > 2) {
        bytes[at++] = (key >> 16) & 0xff
        bytes[at++] = key >>> 24
      }
    }
    this.#at = at
  }

  #reserve(more: number): void {
    this.#bytes = withRoom(this.#bytes, this.#at, more)
  }
}

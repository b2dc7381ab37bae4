/** Writes a message of Protocol Buffers (proto3) into a buffer that grows. */
export class ProtobufWriter {
  #buffer = Buffer.allocUnsafe(1_024)
  #at = 0

  /** A copy of what was written; the writer starts again. */
  take(): Buffer {
    const bytes = Buffer.from(this.#buffer.subarray(0, this.#at))
    this.#at = 0
    return bytes
  }

  /** Non-negative integers below 2^53. */
  varint(field: number, value: number): void {
    this.#writeVarint(field * 8)
    this.#writeVarint(value)
  }

  fixed32(field: number, value: number): void {
    this.#writeVarint(field * 8 + 5)
    this.#reserve(4)
    this.#at = this.#buffer.writeUInt32LE(value, this.#at)
  }

  /** Nanoseconds, from microseconds. */
  nanoseconds(field: number, microseconds: number): void {
    this.#writeVarint(field * 8 + 1)
    this.#reserve(8)
    this.#at = this.#buffer.writeBigUInt64LE(BigInt(microseconds) * 1_000n, this.#at)
  }

  fixed64(field: number, value: number): void {
    this.#writeVarint(field * 8 + 1)
    this.#reserve(8)
    this.#at = this.#buffer.writeBigUInt64LE(BigInt(value), this.#at)
  }

  double(field: number, value: number): void {
    this.#writeVarint(field * 8 + 1)
    this.#reserve(8)
    this.#at = this.#buffer.writeDoubleLE(value, this.#at)
  }

  text(field: number, value: string): void {
    const length = Buffer.byteLength(value)
    this.#writeLength(field, length)
    this.#buffer.write(value, this.#at, 'utf8')
    this.#at += length
  }

  /** Bytes from hexadecimal digits. */
  hex(field: number, digits: string): void {
    const length = digits.length / 2
    this.#writeLength(field, length)
    this.#buffer.write(digits, this.#at, 'hex')
    this.#at += length
  }

  bytes(field: number, value: Uint8Array): void {
    this.#writeLength(field, value.length)
    this.#buffer.set(value, this.#at)
    this.#at += value.length
  }

  message(field: number, write: () => void): void {
    this.#writeVarint(field * 8 + 2)
    this.#reserve(1)
    const start = this.#at + 1
    this.#at = start
    write()
    const length = this.#at - start
    // Nearly all messages have less than 128 bytes, whose length takes one; others are moved.
    const extra = sizeOfVarint(length) - 1
    if (extra > 0) {
      this.#reserve(extra)
      this.#buffer.copyWithin(start + extra, start, start + length)
    }
    this.#at = start - 1
    this.#writeVarint(length)
    this.#at += length
  }

  #writeLength(field: number, length: number): void {
    this.#writeVarint(field * 8 + 2)
    this.#writeVarint(length)
    this.#reserve(length)
  }

  #writeVarint(value: number): void {
    this.#reserve(8)
    let rest = value
    while (rest > 127) {
      this.#buffer[this.#at] = (rest % 128) + 128
      this.#at += 1
      rest = Math.floor(rest / 128)
    }
    this.#buffer[this.#at] = rest
    this.#at += 1
  }

  #reserve(bytes: number): void {
    if (this.#at + bytes <= this.#buffer.length) return
    const larger = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#at + bytes))
    this.#buffer.copy(larger, 0, 0, this.#at)
    this.#buffer = larger
  }
}

function sizeOfVarint(value: number): number {
  let size = 1
  for (let rest = value; rest > 127; rest = Math.floor(rest / 128)) size += 1
  return size
}

import type { CooperativeTask } from '../../lib/cooperative-task.ts'
import { Problem } from '../../lib/problem.ts'
import type { ColumnBlock, ColumnData } from '../../schema/column-block.ts'
import { countEvents, type SegmentFrames } from './read-segment.ts'
import type { SegmentColumn } from './segment-format.ts'

/** Joins the events of segments into one block. Throws a Problem of status 400 when a segment does not match its header. */
export function* buildBlock(segments: readonly SegmentFrames[]): CooperativeTask<ColumnBlock> {
  const rows = countEvents(segments)
  const texts = new TextTable()
  const stores = new Map<string, Store>()
  const storeOf = ({ name, kind }: SegmentColumn): Store => {
    let store = stores.get(name)
    if (store === undefined) stores.set(name, (store = openStore(kind, rows)))
    if (store.kind !== kind) throw invalid(`the kind of column ${name} differs`)
    return store
  }
  let row = 0
  for (const { header, frames } of segments) {
    const parts = header.parts.map((columns) => openPart(columns.map(storeOf)))
    const own = header.own.map(storeOf)
    const reader = new EventReader(texts)
    for (const { bytes } of frames) {
      reader.open(bytes)
      while (!reader.isAtEnd) {
        if (row === rows) throw invalid('it has more events than its frames declare')
        for (const part of parts) readPart(reader, part, row)
        for (const store of own) readValue(reader, store, row)
        row += 1
      }
      yield
    }
  }
  if (row !== rows) throw invalid('it has fewer events than its frames declare')
  const columns = new Map<string, ColumnData>()
  for (const [name, store] of stores) columns.set(name, dataOf(store, rows))
  return { rows, texts: texts.values, columns }
}

type Store =
  | { readonly kind: 'text'; readonly indexes: Uint32Array }
  | { readonly kind: 'texts'; readonly indexes: number[]; readonly ends: Uint32Array }
  | { readonly kind: 'number'; readonly values: Float64Array }
  | { readonly kind: 'time'; readonly values: Float64Array }
  | { readonly kind: 'uuid'; readonly bytes: Buffer }

function openStore(kind: SegmentColumn['kind'], rows: number): Store {
  if (kind === 'text') return { kind, indexes: new Uint32Array(rows) }
  if (kind === 'texts') return { kind, indexes: [], ends: new Uint32Array(rows) }
  if (kind === 'uuid') return { kind, bytes: Buffer.alloc(16 * rows) }
  return { kind, values: new Float64Array(rows) }
}

function dataOf(store: Store, rows: number): ColumnData {
  if (store.kind === 'text' || store.kind === 'uuid') return store
  if (store.kind !== 'texts') return { kind: 'number', values: store.values }
  // Rows of segments without the column have no entries.
  for (let row = 1; row < rows; row += 1) {
    const before = store.ends[row - 1] as number
    if ((store.ends[row] as number) < before) store.ends[row] = before
  }
  return { kind: 'texts', indexes: Uint32Array.from(store.indexes), ends: store.ends }
}

/** Values of the columns of a part, by the number that the part got in its segment. */
type Part = { readonly stores: readonly Store[]; readonly known: (readonly PartValue[])[] }
type PartValue = number | readonly number[]

const openPart = (stores: readonly Store[]): Part => ({ stores, known: [[]] })

function readPart(reader: EventReader, { stores, known }: Part, row: number): void {
  const reference = reader.number()
  if (reference === 0)
    known.push(
      stores.map(({ kind }) => {
        if (kind === 'text') return reader.text()
        if (kind === 'texts') return reader.textList()
        throw invalid(`a shared column is of the kind ${kind}`)
      }),
    )
  const part = reference === 0 ? known.at(-1) : known[reference]
  if (part === undefined || part.length !== stores.length)
    throw invalid(`part ${reference} is not defined`)
  for (let index = 0; index < stores.length; index += 1) {
    const store = stores[index] as Store
    const value = part[index] as PartValue
    if (store.kind === 'text') store.indexes[row] = value as number
    else if (store.kind === 'texts') addList(store, row, value as readonly number[])
  }
}

function addList(
  store: Extract<Store, { kind: 'texts' }>,
  row: number,
  list: readonly number[],
): void {
  for (const index of list) store.indexes.push(index)
  store.ends[row] = store.indexes.length
}

function readValue(reader: EventReader, store: Store, row: number): void {
  switch (store.kind) {
    case 'text':
      store.indexes[row] = reader.text()
      return
    case 'texts':
      return addList(store, row, reader.textList())
    case 'number':
      store.values[row] = reader.number()
      return
    case 'time':
      store.values[row] = reader.time()
      return
    case 'uuid':
      return reader.copyUuid(store.bytes, 16 * row)
  }
}

/** The texts of a block, each once. */
class TextTable {
  readonly values: string[] = ['']
  readonly #indexes = new Map([['', 0]])

  indexOf(text: string): number {
    let index = this.#indexes.get(text)
    if (index === undefined) {
      index = this.values.push(text) - 1
      this.#indexes.set(text, index)
    }
    return index
  }
}

/** Reads the values of one segment, frame after frame. */
class EventReader {
  readonly #table: TextTable
  /** The index in the table, by the number that a text got in the segment. */
  readonly #known = [0, 0]
  #bytes: Buffer = Buffer.alloc(0)
  #at = 0
  #time = 0

  constructor(table: TextTable) {
    this.#table = table
  }

  open(frame: Buffer): void {
    this.#bytes = frame
    this.#at = 0
  }

  get isAtEnd(): boolean {
    if (this.#at > this.#bytes.length) throw invalid('a frame ends within an event')
    return this.#at === this.#bytes.length
  }

  number(): number {
    const bytes = this.#bytes
    let at = this.#at
    let byte = bytes[at++] as number
    let value = byte & 0x7f
    for (let factor = 128; byte > 127; factor *= 128) {
      byte = bytes[at++] as number
      value += (byte & 0x7f) * factor
    }
    this.#at = at
    return value
  }

  text(): number {
    const reference = this.number()
    if (reference === 0) return this.#define()
    const index = this.#known[reference]
    if (index === undefined) throw invalid(`text ${reference} is not defined`)
    return index
  }

  textList(): readonly number[] {
    const length = this.number()
    if (length > this.#bytes.length) throw invalid('a list is longer than its frame')
    return Array.from({ length }, () => this.text())
  }

  time(): number {
    const passed = this.number()
    this.#time += passed % 2 === 0 ? passed / 2 : -(passed + 1) / 2
    return this.#time
  }

  copyUuid(target: Buffer, at: number): void {
    if (this.#at + 16 > this.#bytes.length) throw invalid('a frame ends within an event')
    this.#bytes.copy(target, at, this.#at, this.#at + 16)
    this.#at += 16
  }

  #define(): number {
    const length = this.number()
    const start = this.#at
    this.#at += length
    if (this.#at > this.#bytes.length) throw invalid('a text is longer than its frame')
    const index = this.#table.indexOf(this.#bytes.toString('utf8', start, this.#at))
    this.#known.push(index)
    return index
  }
}

const invalid = (what: string): Problem =>
  new Problem('telemetry.segment', 400, `The segment cannot be decoded: ${what}.`)

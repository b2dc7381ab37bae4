import { isRecord } from '../lib/is-record.ts'
import { Problem } from '../lib/problem.ts'
import type { RadixMap } from '../lib/radix-map.ts'
import { snapshotOf, type ListName, type Seal } from '../schema/snapshot.ts'
import { snapshotMessage, type SnapshotMessage } from '../schema/snapshot-message.ts'
import type { SealedState } from './render-delta.ts'
import { itemDigest, keepDigest, snapshotFormat } from './snapshot-root.ts'

/** Reads the lines of `renderDelta`. */
export type SnapshotReader = {
  /**
   * Reads the next line. The last one of a delta returns the snapshot that it leads to, not yet verified; the next
   * delta is applied to that. Throws a Problem for an unexpected line; the reader cannot continue then.
   */
  read(line: string): SealedState | undefined
}

type Lists = Record<ListName, RadixMap<object>>

/** A delta whose end has not been read. */
type OpenDelta = { readonly seal: Seal; readonly lists: Lists }

/** Opens a reader whose first delta is applied to `base`. Items that a whole snapshot shares with `base` are reused. */
export function openSnapshotReader(base?: SealedState): SnapshotReader {
  let last = base
  let open: OpenDelta | undefined
  let list: ListName = 'workspaces'
  let expectedItems = 0

  let items = new Map<string, object>()

  const put = ({ lists }: OpenDelta, text: string): void => {
    const item = parseItem(text)
    keepDigest(item, text)
    const known = (last?.snapshot as Lists | undefined)?.[list].get(item.id)
    const isKnown = known !== undefined && itemDigest(known) === itemDigest(item)
    items.set(item.id, isKnown ? known : item)
    if (expectedItems > 0) return
    lists[list] = lists[list].withChanges(items)
    items = new Map()
  }
  return {
    read(line) {
      if (open !== undefined && expectedItems > 0) {
        expectedItems -= 1
        put(open, line)
        return undefined
      }
      const message = parseMessage(line)
      if (message.type === 'begin') {
        if (open !== undefined) throw invalid('a delta begins within another one')
        open = begin(message, last)
        return undefined
      }
      if (open === undefined) throw invalid(`'${message.type}' outside of a delta`)
      if (message.type === 'put') {
        list = message.list
        expectedItems = message.count
        return undefined
      }
      if (message.type === 'remove') {
        const { lists } = open
        const gone = new Map(message.ids.map((id) => [id, undefined] as const))
        lists[message.list] = lists[message.list].withChanges(gone)
        return undefined
      }
      last = { snapshot: open.lists as unknown as SealedState['snapshot'], seal: open.seal }
      open = undefined
      return last
    },
  }
}

function begin(
  { from, seal }: Extract<SnapshotMessage, { type: 'begin' }>,
  last: SealedState | undefined,
): OpenDelta {
  if (from === undefined) return { seal, lists: { ...snapshotOf({}) } }
  if (last === undefined || from.root !== last.seal.root)
    throw invalid(`it continues revision ${from.revision}, which is not the current base`)
  return { seal, lists: { ...last.snapshot } }
}

function parseMessage(line: string): SnapshotMessage {
  const value = parseJson(line)
  if (isRecord(value) && value['type'] === 'begin' && value['format'] !== snapshotFormat)
    throw unknownFormat()
  const parsed = snapshotMessage.safeParse(value)
  if (!parsed.success) throw invalid(parsed.error.issues.map((issue) => issue.message).join('; '))
  return parsed.data
}

function parseItem(text: string): { readonly id: string } {
  const item = parseJson(text)
  if (!isRecord(item) || typeof item['id'] !== 'string') throw invalid('an item without an id')
  return item as { readonly id: string }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw invalid('a line is not JSON')
  }
}

const invalid = (reason: string): Problem =>
  new Problem('snapshot.delta', 422, `The delta of the snapshot is not valid: ${reason}`)

/** The refusal of a snapshot of another version. */
export const unknownFormat = (): Problem =>
  new Problem('snapshot.format', 422, 'This version of Weir cannot read the format of the snapshot')

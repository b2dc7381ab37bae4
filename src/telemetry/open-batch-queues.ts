/** The batches of nodes that are not stored yet, by the order in which they came. */
export type BatchQueues = {
  add(batch: string, node: string, size: number): void
  remove(batch: string): void
  /** The oldest batch of each node, then the next of each; a node that was served before comes last. */
  byTurns(): Iterable<string>
  /** The node has had its turn. */
  served(batch: string): void
  /** The node that sent a batch; '' when an earlier process received it. */
  nodeOf(this: void, batch: string): string
  /** Whether a node has more than its share of `maxBytes`. */
  isGreedy(node: string, maxBytes: number): boolean
  /** Counts the batches that were added. */
  readonly position: number
  /** Up to which position all batches of a node, and those whose node is not known, were removed. */
  storedPosition(this: void, node: string): number
}

type Queue = { bytes: number; readonly batches: Map<string, Entry> }
type Entry = { readonly position: number; readonly size: number }

export function openBatchQueues(): BatchQueues {
  const queues = new Map<string, Queue>()
  const nodes = new Map<string, string>()
  let position = 0
  const nodeOf = (batch: string): string => nodes.get(batch) ?? ''
  return {
    add(batch, node, size) {
      const queue = queues.get(node) ?? { bytes: 0, batches: new Map<string, Entry>() }
      queues.set(node, queue)
      queue.batches.set(batch, { position: (position += 1), size })
      queue.bytes += size
      if (node !== '') nodes.set(batch, node)
    },
    remove(batch) {
      const node = nodeOf(batch)
      const queue = queues.get(node)
      nodes.delete(batch)
      if (queue === undefined) return
      queue.bytes -= queue.batches.get(batch)?.size ?? 0
      queue.batches.delete(batch)
      if (queue.batches.size === 0) queues.delete(node)
    },
    *byTurns() {
      const turns = Array.from(queues.values(), ({ batches }) => batches.keys())
      for (let turn = turns.shift(); turn !== undefined; turn = turns.shift()) {
        const { value, done } = turn.next()
        if (done === true) continue
        yield value
        turns.push(turn)
      }
    },
    served(batch) {
      const node = nodeOf(batch)
      const queue = queues.get(node)
      if (queue === undefined) return
      queues.delete(node)
      queues.set(node, queue)
    },
    nodeOf,
    isGreedy: (node, maxBytes) => (queues.get(node)?.bytes ?? 0) > maxBytes / queues.size,
    get position() {
      return position
    },
    storedPosition(node) {
      const oldest = [node, ''].flatMap((one) => {
        const [first] = queues.get(one)?.batches.values() ?? []
        return first?.position ?? []
      })
      return oldest.length === 0 ? position : Math.min(...oldest) - 1
    },
  }
}

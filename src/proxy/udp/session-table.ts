export type TableSession = {
  /** Time of the last datagram, by `performance.now()`. */
  readonly activeAt: number
  /** Whether its client sent something after an answer. A spoofed source address does not see the answer. */
  readonly isConfirmed: boolean
}

/** A bounded number of sessions by client. */
export type SessionTable<Entry extends TableEntry> = {
  get(key: string): Entry | undefined
  /** Makes room for one more. At the limit, the longest idle session is removed, one without a confirmed client first, and returned; 'full' when none is idle. */
  makeRoom(): Entry | 'full' | undefined
  add(key: string, entry: Entry): void
  /** A datagram passed. */
  touch(key: string, entry: Entry): void
  delete(key: string, entry: Entry): void
  readonly size: number
  entries(): Iterable<Entry>
}

type TableEntry = { readonly session: TableSession }

/** Milliseconds without a datagram after which a session is idle. It also bounds how many sessions begin per second when the table is full. */
const minIdle = 1_000

/** Opens a table for at most `max` sessions. Every operation but `entries` takes constant time. */
export function openSessionTable<Entry extends TableEntry>(max: number): SessionTable<Entry> {
  // In the order of their last datagram.
  const unconfirmed = new Map<string, Entry>()
  const confirmed = new Map<string, Entry>()
  const size = (): number => unconfirmed.size + confirmed.size

  return {
    get: (key) => unconfirmed.get(key) ?? confirmed.get(key),
    makeRoom() {
      if (size() < max) return undefined
      const latest = performance.now() - minIdle
      for (const entries of [unconfirmed, confirmed]) {
        const [first] = entries
        if (first === undefined || first[1].session.activeAt > latest) continue
        entries.delete(first[0])
        return first[1]
      }
      return 'full'
    },
    add(key, entry) {
      unconfirmed.set(key, entry)
    },
    touch(key, entry) {
      const from = confirmed.get(key) === entry ? confirmed : unconfirmed
      if (from.get(key) !== entry) return
      from.delete(key)
      const to = entry.session.isConfirmed ? confirmed : unconfirmed
      to.set(key, entry)
    },
    delete(key, entry) {
      for (const entries of [unconfirmed, confirmed])
        if (entries.get(key) === entry) entries.delete(key)
    },
    get size() {
      return size()
    },
    entries: () => [...unconfirmed.values(), ...confirmed.values()],
  }
}

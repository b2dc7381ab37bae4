import {
  sharedColumns,
  type Event,
  type EventColumnName,
  type EventRecord,
} from '../../src/schema/event.ts'

const sharedNames = new Set<string>(Object.values(sharedColumns).flat())

/** The event of a record, as its row in the warehouse. */
export function toEvent({ place, caller, node, time, ...own }: EventRecord): Event {
  const text = String(time).padStart(7, '0')
  return { ...place, ...caller, ...node, ...own, time: `${text.slice(0, -6)}.${text.slice(-6)}` }
}

/** The record of an event. */
export function toRecord(event: Event): EventRecord {
  const pick = (names: readonly EventColumnName[]) =>
    Object.fromEntries(names.map((name) => [name, event[name]]))
  const own = (Object.keys(event) as EventColumnName[]).filter((name) => !sharedNames.has(name))
  return {
    ...pick(own),
    time: Number(event.time.replace('.', '')),
    place: pick(sharedColumns.place),
    caller: pick(sharedColumns.caller),
    node: pick(sharedColumns.node),
  } as unknown as EventRecord
}

import { mkdtempSync, readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runToCompletion } from '../../src/lib/cooperative-task.ts'
import { openLog } from '../../src/lib/log.ts'
import type { EventRecord } from '../../src/schema/event.ts'
import { buildBlock } from '../../src/telemetry/segment/build-block.ts'
import { readSegment } from '../../src/telemetry/segment/read-segment.ts'
import { SegmentWriter, segmentHead } from '../../src/telemetry/segment/segment-writer.ts'
import { buildEvent } from './build-event.ts'
import { toRecord } from './event-record.ts'

export const freshSpoolRoot = (): string => mkdtempSync(join(tmpdir(), 'weir-spool-'))

/** Events that differ by their paths. */
export const events = (...paths: string[]): EventRecord[] =>
  paths.map((path) => toRecord(buildEvent({ path })))

/** The paths of the events of a segment. */
export function pathsOf(segment: Buffer): readonly string[] {
  const { texts, columns } = runToCompletion(buildBlock([readSegment(segment)]))
  const column = columns.get('path')
  if (column?.kind !== 'text') return []
  return Array.from(column.indexes, (index) => texts[index] as string)
}

/** A segment of events that differ by their paths, each in a frame of its own. */
export const segmentOf = (...paths: string[]): Buffer => writeSegment(events(...paths))

/** A segment of events, each in a frame of its own. */
export function writeSegment(records: readonly EventRecord[]): Buffer {
  const writer = new SegmentWriter()
  const frames = records.map((event) => {
    writer.add(event)
    return Buffer.from(writer.takeFrame() ?? '')
  })
  return Buffer.concat([segmentHead, ...frames])
}

/** The files of the only spool under `root`, with their paths. */
export const filesOf = (root: string): readonly string[] =>
  readdirSync(root).flatMap((own) =>
    readdirSync(join(root, own)).map((name) => join(root, own, name)),
  )

/** Reads what a log writes. */
export function openTestLog() {
  const lines: { readonly message: string; readonly batch?: string; readonly error?: unknown }[] =
    []
  return { lines, log: openLog('test', (line) => void lines.push(JSON.parse(line))) }
}

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { renderRooms } from '../rooms.ts'
import type { SourceFile } from './read-source.ts'

/** Differences between docs/ARCHITECTURE.md and the code, each as a sentence. */
export function architectureComplaints(
  root: string,
  document: string,
  files: readonly SourceFile[],
): string[] {
  const found = [...new Set(files.flatMap((file) => /^src\/([^/]+)\//.exec(file.path)?.[1] ?? []))]
  return [
    ...walkComplaints(document, files),
    ...found.flatMap((room) => roomComplaints(root, document, room)),
    ...(document.includes(renderRooms()) ? [] : ['its table of rooms differs from test/rooms.ts']),
    ...(document.split('\n').length > 250 ? ['it is longer than 250 lines'] : []),
  ]
}

/** The steps of the walks are written as `name` (`src/room/file.ts`). */
function walkComplaints(document: string, files: readonly SourceFile[]): string[] {
  const steps = [...document.matchAll(/`(\w+)` \(`(src\/[\w./-]+)`\)/g)]
  const exportsOf = new Map(files.map((file) => [file.path, file.exports]))
  const wrong = steps.filter(([, name = '', path = '']) => !exportsOf.get(path)?.includes(name))
  return [
    ...(steps.length < 12 ? [`its walks name only ${steps.length} functions`] : []),
    ...wrong.map(([, name, path]) => `it names ${name}, which ${path} does not export`),
  ]
}

/** A room has a heading, its doors and its invariant. */
function roomComplaints(root: string, document: string, room: string): string[] {
  const section = new RegExp(`^### ${room}\\n([^#]*)`, 'm').exec(document)?.[1]
  if (section === undefined) return [`it has no section about src/${room}`]
  const doors = /^Doors: (.*)$/m.exec(section)?.[1] ?? ''
  const files = [...doors.matchAll(/`([\w./-]+)`/g)].map(([, file = '']) => `src/${room}/${file}`)
  const missing = files.filter((file) => !existsSync(join(root, file)))
  return [
    ...(files.length === 0 ? [`it names no door of src/${room}`] : []),
    ...missing.map((file) => `it names the door ${file}, which does not exist`),
    ...(section.includes('**Invariant:**') ? [] : [`it has no invariant of src/${room}`]),
  ]
}

import { findCycles } from '../test/tidy/find-cycles.ts'
import type { SourceFile } from '../test/tidy/read-source.ts'

type Source = Pick<SourceFile, 'path' | 'lines' | 'imports'>
type Size = { readonly path: string; readonly lines: number }
type Imported = Size & { readonly importer: string }
type Room = {
  readonly name: string
  readonly files: number
  readonly lines: number
  readonly tests: number
  /** Sub-folders and the room's top level, each with its number of files, tests excluded. */
  readonly folders: Readonly<Record<string, number>>
}
type Crossing = { readonly from: string; readonly to: string; readonly imports: number }

/** A room is a folder of `src`; `ui`, `test`, `bench` and `tools` each count as one. */
export type Structure = {
  readonly totals: {
    readonly files: number
    readonly lines: number
    readonly tests: number
    readonly testLines: number
    readonly withOneImporter: number
    readonly shortWithOneImporter: number
  }
  readonly rooms: readonly Room[]
  readonly fileCycles: readonly (readonly string[])[]
  readonly roomCycles: readonly (readonly string[])[]
  readonly largest: readonly Size[]
  /** Files of more than 400 lines. */
  readonly tooLong: readonly Size[]
  readonly withOneImporter: readonly Imported[]
  /** Files of fewer than 25 lines with one importer. */
  readonly shortWithOneImporter: readonly Imported[]
  /** Folders of more than 20 files, tests excluded. */
  readonly crowdedFolders: readonly { readonly path: string; readonly files: number }[]
  readonly crossings: readonly Crossing[]
}

const shortFile = 25
const longFile = 400
const crowdedFolder = 20

/** Measures the source tree. Importers are product files: tests and their harness do not count. */
export function surveyStructure(files: readonly Source[]): Structure {
  const product = files.filter(({ path }) => !isTest(path))
  const importers = importersOf(product)
  const single = product.flatMap(({ path, lines }) => {
    const [importer, ...others] = importers.get(path) ?? []
    return importer === undefined || others.length > 0 ? [] : [{ path, lines, importer }]
  })
  const short = single.filter(({ lines }) => lines < shortFile)
  const tests = files.filter(({ path }) => isTest(path))
  const crossings = crossingsOf(product)
  const bySize = product.map(({ path, lines }) => ({ path, lines })).toSorted(byLines)
  return {
    totals: {
      files: product.length,
      lines: sum(product),
      tests: tests.length,
      testLines: sum(tests),
      withOneImporter: single.length,
      shortWithOneImporter: short.length,
    },
    rooms: roomsOf(files),
    fileCycles: findCycles(files),
    roomCycles: findCycles(roomGraph(crossings)),
    largest: bySize.slice(0, 10),
    tooLong: bySize.filter(({ lines }) => lines > longFile),
    withOneImporter: single,
    shortWithOneImporter: short,
    crowdedFolders: crowdedFolders(product),
    crossings,
  }
}

/** The structure as text for a terminal. */
export function renderStructure(structure: Structure): string {
  const { totals } = structure
  const sections: readonly (readonly [title: string, lines: readonly string[]])[] = [
    [
      'Totals',
      [
        `${totals.files} files, ${totals.lines} lines; tests: ${totals.tests} files, ${totals.testLines} lines`,
        `${totals.withOneImporter} files with one importer, ${totals.shortWithOneImporter} of them under ${shortFile} lines`,
      ],
    ],
    ['Rooms', renderRooms(structure.rooms)],
    ['Cycles between files', structure.fileCycles.map((cycle) => cycle.join(' → '))],
    ['Cycles between rooms', structure.roomCycles.map((cycle) => cycle.join(' → '))],
    ['Largest files', structure.largest.map(renderSize)],
    [`Files over ${longFile} lines`, structure.tooLong.map(renderSize)],
    [
      `Folders of more than ${crowdedFolder} files`,
      structure.crowdedFolders.map(({ path, files }) => `${pad(files, 6)}  ${path}`),
    ],
    [
      `Files under ${shortFile} lines with one importer`,
      structure.shortWithOneImporter.map((file) => `${renderSize(file)} ← ${file.importer}`),
    ],
    ['Imports between rooms', renderCrossings(structure.crossings)],
  ]
  return sections
    .map(([title, lines]) =>
      [title, ...(lines.length === 0 ? ['none'] : lines).map((line) => `  ${line}`)].join('\n'),
    )
    .join('\n\n')
}

const isTest = (path: string): boolean => path.startsWith('test/') || /\.test\.tsx?$/.test(path)
const sum = (files: readonly Size[]): number => files.reduce((total, { lines }) => total + lines, 0)
const byLines = (one: Size, other: Size): number => other.lines - one.lines
const pad = (number: number, width: number): string => String(number).padStart(width)
const renderSize = ({ path, lines }: Size): string => `${pad(lines, 6)}  ${path}`

function roomOf(path: string): string {
  const [first = '', second = ''] = path.split('/')
  return first === 'src' ? second : first
}

function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'))
}

function importersOf(files: readonly Source[]): Map<string, string[]> {
  const importers = new Map<string, string[]>()
  for (const { path, imports } of files)
    for (const target of imports) importers.set(target, [...(importers.get(target) ?? []), path])
  return importers
}

function roomsOf(files: readonly Source[]): Room[] {
  return [...Map.groupBy(files, ({ path }) => roomOf(path))].map(([name, all]) => {
    const own = name === 'test' ? all : all.filter(({ path }) => !isTest(path))
    const folders = Map.groupBy(own, ({ path }) => folderOf(path))
    return {
      name,
      files: own.length,
      lines: sum(own),
      tests: all.length - own.length,
      folders: Object.fromEntries([...folders].map(([folder, inside]) => [folder, inside.length])),
    }
  })
}

function crowdedFolders(files: readonly Source[]): Structure['crowdedFolders'] {
  return [...Map.groupBy(files, ({ path }) => folderOf(path))]
    .map(([path, inside]) => ({ path, files: inside.length }))
    .filter((folder) => folder.files > crowdedFolder)
    .toSorted((one, other) => other.files - one.files)
}

function crossingsOf(files: readonly Source[]): Crossing[] {
  const known = new Set(files.map(({ path }) => path))
  const pairs = files.flatMap(({ path, imports }) =>
    imports
      .filter((target) => known.has(target) && roomOf(target) !== roomOf(path))
      .map((target) => `${roomOf(path)} ${roomOf(target)}`),
  )
  return [...Map.groupBy(pairs, (pair) => pair)].map(([pair, all]) => {
    const [from = '', to = ''] = pair.split(' ')
    return { from, to, imports: all.length }
  })
}

function roomGraph(crossings: readonly Crossing[]): { path: string; imports: string[] }[] {
  const names = new Set(crossings.flatMap(({ from, to }) => [from, to]))
  return [...names].map((path) => ({
    path,
    imports: crossings.filter(({ from }) => from === path).map(({ to }) => to),
  }))
}

function renderRooms(rooms: readonly Room[]): string[] {
  return [
    ' files   lines   tests  room',
    ...rooms.map(
      ({ name, files, lines, tests }) =>
        `${pad(files, 6)}  ${pad(lines, 6)}  ${pad(tests, 6)}  ${name}`,
    ),
  ]
}

function renderCrossings(crossings: readonly Crossing[]): string[] {
  return [...Map.groupBy(crossings, ({ from }) => from)].map(([from, targets]) => {
    const list = targets
      .toSorted((one, other) => other.imports - one.imports)
      .map(({ to, imports }) => `${to} ${imports}`)
    return `${from.padEnd(12)}  ${list.join(', ')}`
  })
}

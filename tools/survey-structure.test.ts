import { expect, test } from 'vitest'
import { renderStructure, surveyStructure } from './survey-structure.ts'

const file = (path: string, lines: number, imports: readonly string[] = []) => ({
  path,
  lines,
  imports,
})

const tree = [
  file('src/lib/clock.ts', 10, ['node:fs']),
  file('src/lib/ids.ts', 30, ['src/store/a.ts']),
  file('src/store/a.ts', 401, ['src/lib/clock.ts', 'src/lib/ids.ts']),
  file('src/store/b.ts', 12, ['src/lib/ids.ts']),
  file('src/store/a.test.ts', 20, ['src/lib/clock.ts', 'src/store/b.ts']),
]

test('counts rooms, sizes and importers, with tests apart', () => {
  const { totals, rooms, tooLong, shortWithOneImporter } = surveyStructure(tree)
  expect(totals).toMatchObject({ files: 4, lines: 453, tests: 1, withOneImporter: 2 })
  expect(rooms.map(({ name, files, tests }) => [name, files, tests])).toEqual([
    ['lib', 2, 0],
    ['store', 2, 1],
  ])
  expect(tooLong).toEqual([{ path: 'src/store/a.ts', lines: 401 }])
  expect(shortWithOneImporter).toEqual([
    { path: 'src/lib/clock.ts', lines: 10, importer: 'src/store/a.ts' },
  ])
})

test('finds cycles between files and between rooms', () => {
  const { fileCycles, roomCycles, crossings } = surveyStructure(tree)
  expect(fileCycles.map((cycle) => cycle.toSorted())).toEqual([
    ['src/lib/ids.ts', 'src/store/a.ts'],
  ])
  expect(roomCycles.map((cycle) => cycle.toSorted())).toEqual([['lib', 'store']])
  expect(crossings).toContainEqual({ from: 'store', to: 'lib', imports: 3 })
})

test('renders every section, empty ones too', () => {
  const text = renderStructure(surveyStructure([file('src/lib/clock.ts', 10)]))
  expect(text).toMatch(/Cycles between files\n {2}none/)
  expect(text).toMatch(/1 files, 10 lines/)
})

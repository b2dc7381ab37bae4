import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { catalog } from '../src/plugins/catalog.ts'

const root = resolve(import.meta.dirname, '..')
const read = (path: string): string => readFileSync(join(root, path), 'utf8')
const readme = read('README.md')

const settingsIn = (text: string): string[] =>
  [...new Set(text.match(/\bWEIR_[A-Z_]*[A-Z]\b/g))].toSorted()

test('README.md names every setting that is read, and no other', () => {
  expect(settingsIn(readme)).toEqual(settingsIn(read('src/cli/settings.ts')))
})

test('README.md names every plugin, and counts them', () => {
  const row = /^\| plugins \| (\w+) so far: ([^|]+) \|/m.exec(readme)
  const names = row?.[2]?.split(', ') ?? []
  expect(names.toSorted()).toEqual(catalog.map(({ name }) => name).toSorted())
  const numbers = ['five', 'six', 'seven', 'eight', 'nine', 'ten', 'eleven', 'twelve']
  expect(row?.[1]).toBe(numbers[catalog.length - 5] ?? String(catalog.length))
})

test('README.md names every command', async () => {
  const commands = await commandsUnder([])
  expect(commands.length).toBeGreaterThan(10)
  const missing = commands.filter((command) => !readme.includes(command))
  expect(missing).toEqual([])
}, 180_000)

/** The commands that do something, as their help tells them. */
async function commandsUnder(words: readonly string[]): Promise<string[]> {
  const run = promisify(execFile)
  const main = join(root, 'src/cli/main.ts')
  const { stdout } = await run(process.execPath, [main, ...words, '--help'])
  const list = /\nCommands:\n([^]*)/.exec(stdout)?.[1]
  if (list === undefined) return [['weir', ...words].join(' ')]
  const names = [...list.matchAll(/^ {2}([a-z]\S*)/gm)].map(([, name]) => String(name))
  const found = names.filter((name) => name !== 'help')
  return (await Promise.all(found.map((name) => commandsUnder([...words, name])))).flat()
}

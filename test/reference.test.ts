import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { catalog } from '../src/plugins/catalog.ts'
import { renderReference } from '../tools/render-reference.ts'

const root = resolve(import.meta.dirname, '..')
const read = (path: string): string => readFileSync(join(root, path), 'utf8')

test.each(renderReference(root).map(({ path, text }) => [path, text] as const))(
  '%s is up to date',
  (path, text) => {
    expect(read(path), `${path} is out of date: run npm run reference`).toBe(text)
  },
)

const settingsIn = (text: string): string[] =>
  [...new Set(text.match(/\bWEIR_[A-Z_]*[A-Z]\b/g))].toSorted()

test('the reference names every setting that is read, and no other', () => {
  expect(settingsIn(read('docs/reference/settings.md'))).toEqual(
    settingsIn(
      ['settings', 'provider-settings', 'environment']
        .map((name) => read(`src/cli/${name}.ts`))
        .join(' '),
    ),
  )
})

test('README.md names every plugin', () => {
  const row = /^\| plugins \| ([^|]+) \|/m.exec(read('README.md'))?.[1] ?? ''
  const names = [...row.matchAll(/`([a-z0-9-]+)`/g)].map(([, name]) => String(name))
  expect(names.toSorted()).toEqual(catalog.map(({ name }) => name).toSorted())
})

test('the reference has every command that the help lists', async () => {
  const commands = await commandsUnder([])
  expect(commands.length).toBeGreaterThan(10)
  const reference = read('docs/reference/cli.md')
  expect(commands.filter((command) => !reference.includes(`## ${command}\n`))).toEqual([])
}, 180_000)

/** The commands with an action, as their help lists them. */
async function commandsUnder(words: readonly string[]): Promise<string[]> {
  const run = promisify(execFile)
  const main = join(root, 'src/cli/main.js')
  const { stdout } = await run(process.execPath, [main, ...words, '--help'])
  const list = /\nCommands:\n([^]*)/.exec(stdout)?.[1]
  if (list === undefined) return [['weir', ...words].join(' ')]
  const names = [...list.matchAll(/^ {2}([a-z]\S*)/gm)].map(([, name]) => String(name))
  const found = names.filter((name) => name !== 'help')
  return (await Promise.all(found.map((name) => commandsUnder([...words, name])))).flat()
}

import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, test } from 'vitest'
import { rooms } from './rooms.ts'
import { architectureComplaints } from './tidy/architecture.ts'
import {
  missingPaths,
  missingTests,
  proseOf,
  readDocuments,
  unlinkedPages,
} from './tidy/documents.ts'
import { readSources } from './tidy/read-source.ts'
import { rules } from './tidy/rules.ts'
import { banned, findWords, readTexts } from './tidy/words.ts'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const folders = ['src', 'ui', 'test', 'bench', 'tools']
const files = readSources(root, folders)
const temporary = mkdtempSync(join(tmpdir(), 'weir-tidy-'))
afterAll(() => rmSync(temporary, { recursive: true }))

describe('this repository', () => {
  test.each(rules.map((rule) => [rule.says, rule] as const))('%s', (_, rule) => {
    expect(rule.broken(files)).toEqual([])
  })

  test('every folder of src is a room, and every room a folder', () => {
    const found = readdirSync(join(root, 'src'))
    expect(found.toSorted()).toEqual(rooms.toSorted())
  })

  test('docs/ARCHITECTURE.md agrees with the code', () => {
    const document = readFileSync(join(root, 'docs/ARCHITECTURE.md'), 'utf8')
    expect(architectureComplaints(root, document, files)).toEqual([])
  })
})

describe('the documents', () => {
  const documents = readDocuments(root)
  const handwritten = documents.filter(({ path }) => !path.startsWith('docs/reference/'))

  test('name only files that exist', () => {
    expect(missingPaths(root, documents)).toEqual([])
  })

  test('name only tests that exist', () => {
    expect(missingTests(root, documents)).toEqual([])
  })

  test('are all reached by a link', () => {
    expect(unlinkedPages(documents)).toEqual([])
  })

  test('use the words of the field', () => {
    expect(findWords(handwritten.map(proseOf), banned)).toEqual([])
  })
})

test('the code uses the words of the field', () => {
  expect(findWords(readTexts(root, ['src', 'ui/src']), banned)).toEqual([])
})

test.each([
  ['a missing file', '`src/lib/gone.ts`', 'src/lib/gone.ts does not exist'],
  ['a missing folder', 'see `test/gone/`', 'test/gone/ does not exist'],
  ['a broken link', '[page](guide/gone.md)', 'docs/guide/gone.md does not exist'],
])('%s in a document is found', (_, text, expected) => {
  const documents = [{ path: 'docs/page.md', text: `\`src/cli/main.js\` [map](STYLE.md) ${text}` }]
  expect(missingPaths(root, documents)).toEqual([`docs/page.md: ${expected}`])
})

test('a test that a document names and that does not exist is found', () => {
  const link = (title: string): string => `[${title}](../test/tidy.test.ts)`
  const titles = ['a page to which nothing links is found', 'no such title']
  expect(missingTests(root, [{ path: 'docs/page.md', text: titles.map(link).join(' ') }])).toEqual([
    'docs/page.md: test/tidy.test.ts has no test “no such title”',
  ])
})

test('a page to which nothing links is found', () => {
  const documents = [
    { path: 'README.md', text: '[a](docs/a.md)' },
    { path: 'docs/a.md', text: '' },
    { path: 'docs/b.md', text: '[a](a.md)' },
  ]
  expect(unlinkedPages(documents)).toEqual(['docs/b.md: no document links to it'])
})

test.each([
  ['heir', 'const theHeir = 1'],
  ['heir', 'its heirs'],
  ['heir', 'open-heir.ts'],
  ['bodyOf', 'bodyOf(entity)'],
  ['usual[A-Z]\\w*', 'usualLimits'],
  ['is told', 'The node is told.'],
])('the banned %s is found in “%s”', (word, text) => {
  const harmless = 'their heirloom, somebodyOf, as usual, is toldest'
  const found = findWords([{ path: 'a.md', text: `\n${harmless}\n${text}` }], { [word]: 'another' })
  expect(found).toEqual([`a.md:2: “${word}”; write another`])
})

/** Each is planted alone in a copy; the named rule must find it, and no other rule may report it. */
const planted: readonly (readonly [rule: string, path: string, text: string])[] = [
  ['a room opens', 'src/lib/bad.ts', `import { route } from '../schema/route.ts'\n`],
  ['a room opens', 'src/lib/bad.ts', `import type { Route } from '../schema/route.ts'\n`],
  ['a room opens', 'src/lib/bad.ts', `export type { Route } from '../schema/route.ts'\n`],
  ['a room opens', 'src/lib/bad.ts', `export * from '../schema/route.ts'\n`],
  ['a room opens', 'src/lib/bad.ts', `type R = import('../schema/route.ts').Route\n`],
  ['a room opens', 'src/lib/bad.ts', `export const r = () => import('../schema/route.ts')\n`],
  ['a room opens', 'src/store/bad.ts', `import '../snapshot/seal.ts'\n`],
  ['a room opens', 'src/lib/bad.ts', `import '../../test/rooms.ts'\n`],
  ['a sub-folder is private', 'src/cli/bad.ts', `import '../proxy/match/x.ts'\n`],
  ['ui opens nothing', 'ui/src/bad.tsx', `import { x } from '../../src/access/rights.ts'\n`],
  ['ui opens nothing', 'ui/src/bad.tsx', `import 'node:fs'\nexport const a = <p>a</p>\n`],
  ['what the ui opens', 'src/entities/bad.ts', `import 'node:crypto'\n`],
  ['what the ui opens', 'src/schema/bad.ts', `import { a } from '../lib/on-node.ts'\n`],
  ['what is special', 'src/control/bad.ts', `const a = entity.name === 'route'\n`],
  ['what is special', 'src/control/bad.ts', `const a = operation.entity !== 'sni'\n`],
  ['what is special', 'src/control/bad.ts', `const a = entry.fields['name']\n`],
  ['no file leads back', 'src/lib/bad.ts', `import type { B } from './back.ts'\n`],
  ['a file has at most', 'src/lib/long.ts', 'export {}\n'.repeat(401)],
  ['files and folders', 'src/lib/badName.ts', 'export {}\n'],
  ['files and folders', 'src/lib/string-utils.ts', 'export {}\n'],
  ['files and folders', 'src/lib/bad-manager.ts', 'export {}\n'],
  ['exports have names', 'src/lib/bad.ts', 'export default 1\n'],
  ['exports have names', 'src/lib/bad.ts', `const a = 1\nexport { a as default }\n`],
  ['exports have names', 'src/lib/bad.ts', `export { a } from './a.ts'\n`],
  ['the environment', 'src/lib/bad.ts', `export const a = process.env['A']\n`],
  ['the environment', 'src/lib/bad.ts', `const { env } = process\n`],
  ['the environment', 'src/lib/bad.ts', `import { env } from 'node:process'\n`],
  ['sockets are opened', 'src/proxy/bad.ts', `import { connect, isIP } from 'node:net'\n`],
  ['sockets are opened', 'src/store/bad.ts', `import http from 'node:http'\n`],
  ['sockets are opened', 'src/store/bad.ts', `import * as tls from 'node:tls'\n`],
  ['the proxy names', 'src/proxy/bad.ts', `export const a = plugin.name === 'rate-bad'\n`],
  ['planes start', 'src/planes/bad.ts', `import { createHash } from 'node:crypto'\n`],
  ['planes start', 'src/planes/bad.ts', `import { z } from 'zod'\n`],
  ['every problem code', 'src/lib/bad.ts', `throw new Problem('NoRoom', 400, 'x')\n`],
  ['every problem code', 'src/lib/bad.ts', `throw new Problem(code, 400, 'x')\n`],
  [
    'every problem code',
    'src/lib/bad.ts',
    `const a = new Problem('a.b', 1, '')\nconst b = new Problem('a.b', 1, '')\n`,
  ],
]

describe('a planted violation is found', () => {
  const untouched = {
    'src/lib/good.ts': `// import '../schema/route.ts'\nexport const a = "import '../schema/route.ts'"\nexport const b = /import '..\\/schema/\n`,
    'src/lib/back.ts': `import type { A } from './bad.ts'\nexport type B = A\n`,
    'src/lib/on-node.ts': `import 'node:fs'\nexport const a = 1\n`,
    'src/schema/route.ts': `import { a } from '../lib/good.ts'\nexport const route = new Problem('schema.odd', 400, a)\n`,
    'src/proxy/good.ts': `import { isIP, type Socket } from 'node:net'\nexport const ip = isIP('key-auth')\n`,
    'src/plugins/rate-bad.ts': `export const rate = 'rate-bad'\n`,
    'src/cli/environment.ts': `export const environment = process.env\n`,
    'ui/src/page.tsx': `import type { Route } from '../../src/schema/route.ts'\nexport const page = <p>{1}</p>\n`,
  }

  test.each(
    planted.map((plant, index) => [`${plant[0]}: ${plant[2].split('\n')[0]}`, index] as const),
  )('%s', (_, index) => {
    const [words, path, text] = planted[index] ?? ['', '', '']
    const copy = join(temporary, String(index))
    for (const [name, content] of Object.entries({ ...untouched, [path]: text })) {
      mkdirSync(dirname(join(copy, name)), { recursive: true })
      writeFileSync(join(copy, name), content)
    }
    const complaints = rules.map(
      (rule) => [rule.says, rule.broken(readSources(copy, folders))] as const,
    )
    const expected = complaints.filter(([says]) => says.startsWith(words))
    expect(expected).toHaveLength(1)
    expect(expected[0]?.[1].join()).toMatch(/bad|long|string-utils|badName|on-node/i)
    const others = complaints.filter(
      ([says]) => !says.startsWith(words) && !says.startsWith('exports'),
    )
    expect(others.flatMap(([, broken]) => broken)).toEqual([])
  })
})

import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, test } from 'vitest'
import { rooms } from './rooms.ts'
import { architectureComplaints } from './tidy/architecture.ts'
import { readSources } from './tidy/read-source.ts'
import { rules } from './tidy/rules.ts'

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

  test('docs/ARCHITECTURE.md says what the code does', () => {
    const document = readFileSync(join(root, 'docs/ARCHITECTURE.md'), 'utf8')
    expect(architectureComplaints(root, document, files)).toEqual([])
  })
})

/** Each is planted alone in a copy; the rule in whose words it is must find it, whatever form it takes. */
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
    'src/cli/settings.ts': `export const environment = process.env\n`,
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

import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { dirname, join, normalize, relative } from 'node:path'
import { entities } from '../../src/entities/entities.ts'
import { parseSync, Visitor, type ESTree } from 'vite'

/** Paths are relative to the root of the tree. */
export type SourceFile = {
  readonly path: string
  readonly lines: number
  /** Everything it imports or re-exports, types included: a path for our own files, else the name as written. */
  readonly imports: readonly string[]
  /** Values, types excluded, that it imports from modules of Node and from packages; `*` for a whole module. */
  readonly foreignValues: readonly { readonly from: string; readonly name: string }[]
  readonly exports: readonly string[]
  /** True when it only passes on what other files export. */
  readonly isBarrel: boolean
  readonly readsEnvironment: boolean
  /** Comparisons of an entity's name with one name, and fields read by text. */
  readonly entityChecks: readonly string[]
  /** Codes given to `new Problem`; undefined where one is not written out. */
  readonly problemCodes: readonly (string | undefined)[]
  /** Problems whose code is a literal. */
  readonly problems: readonly WrittenProblem[]
  /** Every string literal that could be the name of a plugin. */
  readonly texts: readonly string[]
}

export type WrittenProblem = {
  readonly code: string
  readonly status: number | undefined
  readonly sentence: string | undefined
}

/** Reads and parses every TypeScript file below these folders of `root`. */
export function readSources(root: string, folders: readonly string[]): SourceFile[] {
  return folders.flatMap((folder) => filesIn(root, folder)).map((path) => readSource(root, path))
}

function filesIn(root: string, folder: string): string[] {
  if (!existsSync(join(root, folder))) return []
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(ts|tsx|mjs)$/.test(entry.name))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .filter((path) => !path.includes('node_modules') && !path.endsWith('.d.ts'))
    .toSorted((one, other) => one.localeCompare(other))
}

function readSource(root: string, path: string): SourceFile {
  const text = readFileSync(join(root, path), 'utf8')
  const { program, module, errors } = parseSync(path, text)
  if (errors.length > 0) throw new Error(`${path}: ${errors[0]?.message}`)
  const seen = inspect(program)
  const exported = module.staticExports.flatMap((statement) => statement.entries)
  const specifiers = [
    ...module.staticImports.map((statement) => statement.moduleRequest.value),
    ...exported.flatMap((entry) => entry.moduleRequest?.value ?? []),
    ...seen.specifiers,
  ]
  return {
    path,
    lines: text.split('\n').length - 1,
    imports: [...new Set(specifiers.map((specifier) => resolve(path, specifier)))],
    foreignValues: module.staticImports.flatMap(({ moduleRequest, entries }) =>
      moduleRequest.value.startsWith('.')
        ? []
        : entries
            .filter((entry) => !entry.isType)
            .map(({ importName }) => ({
              from: moduleRequest.value,
              name: importName.name ?? '*',
            })),
    ),
    exports: exported.map((entry) =>
      entry.exportName.kind === 'Default' ? 'default' : (entry.exportName.name ?? '*'),
    ),
    isBarrel: program.body.length > 0 && program.body.every((statement) => isPassedOn(statement)),
    readsEnvironment: seen.readsEnvironment || specifiers.includes('node:process'),
    entityChecks: text.match(entityCheck) ?? [],
    problemCodes: codesOf(seen),
    problems: seen.problems,
    texts: seen.texts,
  }
}

function resolve(path: string, specifier: string): string {
  return specifier.startsWith('.') ? normalize(join(dirname(path), specifier)) : specifier
}

/** `entity.name === 'route'`, `operation.entity !== 'route'`, `name === 'route'`, `belongsTo !== 'role'`, `fields['name']`. */
const entityCheck = new RegExp(
  `\\b(?:name|entity|belongsTo)\\s*[!=]==\\s*'(?:${entities.map(({ name }) => name).join('|')})'|\\bfields\\??\\.?\\['`,
  'g',
)

const isPassedOn = (statement: ESTree.Directive | ESTree.Statement): boolean =>
  statement.type === 'ExportAllDeclaration' ||
  (statement.type === 'ExportNamedDeclaration' && statement.source !== null)

type Seen = {
  specifiers: string[]
  problemCodes: (string | undefined)[]
  /** String literals with the form of a code. */
  problems: WrittenProblem[]
  codeTexts: string[]
  texts: string[]
  readsEnvironment: boolean
}

/** `room.reason`, or several reasons. */
export const codeForm = /^[a-z][a-z0-9-]*(\.[a-z][a-z0-9_]*)+$/

/** Visits what the list of a module's static imports and exports does not contain. */
function inspect(program: ESTree.Program): Seen {
  const types = new Set<ESTree.Node>()
  const seen: Seen = {
    specifiers: [],
    problemCodes: [],
    problems: [],
    codeTexts: [],
    texts: [],
    readsEnvironment: false,
  }
  const open = (source: ESTree.Node): void => {
    seen.specifiers.push(textOf(source) ?? 'an import that is not written out')
  }
  new Visitor({
    ImportExpression: (node) => open(node.source),
    TSImportType: (node) => open(node.source),
    TSExternalModuleReference: (node) => open(node.expression),
    NewExpression(node) {
      if (!isName(node.callee, 'Problem')) return
      const [code, status, sentence] = node.arguments
      const written = code === undefined ? undefined : textOf(code)
      seen.problemCodes.push(written)
      if (written !== undefined)
        seen.problems.push({
          code: written,
          status: status?.type === 'Literal' ? Number(status.value) : undefined,
          sentence: sentence === undefined ? undefined : outlineOf(sentence),
        })
    },
    TSLiteralType: (node) => void types.add(node.literal),
    Literal(node) {
      if (types.has(node)) return
      if (typeof node.value !== 'string') return
      if (codeForm.test(node.value)) seen.codeTexts.push(node.value)
      if (/^[a-z][a-z0-9-]*$/.test(node.value)) seen.texts.push(node.value)
    },
    MemberExpression(node) {
      if (isName(node.object, 'process') && isName(node.property, 'env'))
        seen.readsEnvironment = true
    },
    VariableDeclarator(node) {
      if (node.init !== null && isName(node.init, 'process')) seen.readsEnvironment = true
    },
  }).visit(program)
  return seen
}

/** A function of the same file may receive the code; then the codes are those that its callers pass. */
function codesOf({ problemCodes, codeTexts }: Seen): (string | undefined)[] {
  const written = problemCodes.filter((code) => code !== undefined)
  if (written.length === problemCodes.length) return written
  const handedOn = codeTexts.filter((text) => !written.includes(text))
  return [...written, ...(handedOn.length > 0 ? handedOn : [undefined])]
}

const isName = (node: ESTree.Node, name: string): boolean =>
  node.type === 'Identifier' && node.name === name

const textOf = (node: ESTree.Node): string | undefined =>
  node.type === 'Literal' && typeof node.value === 'string' ? node.value : undefined

/** A text, with `…` for each expression in a template. */
const outlineOf = (node: ESTree.Node): string | undefined =>
  node.type === 'TemplateLiteral'
    ? node.quasis.map(({ value }) => value.cooked ?? value.raw).join('…')
    : textOf(node)

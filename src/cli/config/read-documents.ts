import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { parseDocument } from 'yaml'
import { mergeDocuments } from '../../declarative/read-document.ts'
import { Problem } from '../../lib/problem.ts'
import { substituteVariables, type Variables } from './substitute-variables.ts'

/** Documents merged into one, and the values from variables, which must not be printed. */
export type ReadDocuments = { readonly document: Document; readonly masked: readonly string[] }

/** Metadata that commands use; the control plane validates everything else. */
export type Document = Readonly<Record<string, unknown>> & {
  readonly _workspace?: string
  readonly _info?: { readonly select_tags?: readonly string[] }
}

/** Reads files, folders of files, or `-` for standard input, as one document. */
export function readDocuments(paths: readonly string[], variables: Variables): ReadDocuments {
  const masked = new Set<string>()
  const documents = paths.flatMap(listFiles).map((file) => {
    const filled = substituteVariables(readText(file), variables, fileLabel(file))
    for (const value of filled.used) masked.add(value)
    return parseText(filled.text, fileLabel(file))
  })
  return { document: mergeDocuments(documents) as Document, masked: [...masked] }
}

const fileLabel = (file: string): string => (file === '-' ? 'standard input' : file)

function listFiles(path: string): string[] {
  if (path === '-') return [path]
  const found = statSync(path, { throwIfNoEntry: false })
  if (found === undefined) throw unreadable(path, 'no such file or folder')
  if (!found.isDirectory()) return [path]
  const files = readdirSync(path, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(ya?ml|json)$/.test(name))
    .sort()
  if (files.length === 0) throw unreadable(path, 'the folder has no .yaml, .yml or .json file')
  return files.map((name) => join(path, name))
}

const readText = (file: string): string => readFileSync(file === '-' ? 0 : file, 'utf8')

/** Parses YAML or JSON; an error has line and column. */
export function parseText(text: string, name: string): unknown {
  const parsed = parseDocument(text, { prettyErrors: true })
  const [error] = parsed.errors
  if (error !== undefined) throw unreadable(name, error.message)
  return parsed.toJS({ maxAliasCount: 1000 }) as unknown
}

const unreadable = (path: string, reason: string): Problem =>
  new Problem('cli.unreadable', 400, `${path}: ${reason}`)

import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { parseDocument } from 'yaml'
import { mergeDocuments } from '../../declarative/read-document.ts'
import { Problem } from '../../lib/problem.ts'
import { fillIn, type Variables } from './fill-in.ts'

/** Documents merged into one, and the values from variables, which must not be printed. */
export type ReadDocuments = { readonly document: Document; readonly masked: readonly string[] }

/** The head of a document; the control plane validates the rest. */
export type Document = Readonly<Record<string, unknown>> & {
  readonly _workspace?: string
  readonly _info?: { readonly select_tags?: readonly string[] }
}

/** Reads files, folders of files, or `-` for standard input, as one document. */
export function readDocuments(places: readonly string[], variables: Variables): ReadDocuments {
  const masked = new Set<string>()
  const documents = places.flatMap(filesAt).map((file) => {
    const filled = fillIn(readText(file), variables, nameOf(file))
    for (const value of filled.used) masked.add(value)
    return parseText(filled.text, nameOf(file))
  })
  return { document: mergeDocuments(documents) as Document, masked: [...masked] }
}

const nameOf = (file: string): string => (file === '-' ? 'standard input' : file)

function filesAt(place: string): string[] {
  if (place === '-') return [place]
  const found = statSync(place, { throwIfNoEntry: false })
  if (found === undefined) throw unreadable(place, 'no such file or folder')
  if (!found.isDirectory()) return [place]
  const files = readdirSync(place, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(ya?ml|json)$/.test(name))
    .sort()
  if (files.length === 0) throw unreadable(place, 'the folder has no .yaml, .yml or .json file')
  return files.map((name) => join(place, name))
}

const readText = (file: string): string => readFileSync(file === '-' ? 0 : file, 'utf8')

/** Parses YAML or JSON; an error has line and column. */
export function parseText(text: string, name: string): unknown {
  const parsed = parseDocument(text, { prettyErrors: true })
  const [error] = parsed.errors
  if (error !== undefined) throw unreadable(name, error.message)
  return parsed.toJS({ maxAliasCount: 1000 }) as unknown
}

const unreadable = (place: string, reason: string): Problem =>
  new Problem('cli.unreadable', 400, `${place}: ${reason}`)

import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { isMap, isScalar, isSeq, LineCounter, parseDocument, type Document } from 'yaml'
import type { z } from 'zod'
import { Problem } from '../../lib/problem.ts'
import type { Table } from '../../warehouse/tables.ts'
import type { Dataset, Datasets } from './dataset.ts'
import { datasetSchema } from './declaration.ts'

/** The datasets that come with the program. */
export const builtInDatasets = new URL('./', import.meta.url)

/** Reads the datasets of a directory, one `<name>.yaml` each. The first invalid file is an error. */
export function readDatasets(directory: URL, tables: readonly Table[]): Datasets {
  const files = readdirSync(directory).filter((file) => file.endsWith('.yaml'))
  return new Map(
    files.toSorted().map((file) => {
      const dataset = readDataset(new URL(file, directory), tables)
      return [dataset.name, dataset]
    }),
  )
}

/** Reads one dataset. Errors have the form `file:line: path: message`. */
export function readDataset(file: URL, tables: readonly Table[]): Dataset {
  const path = fileURLToPath(file)
  const lines = new LineCounter()
  const document = parseDocument(readFileSync(file, 'utf8'), {
    lineCounter: lines,
    prettyErrors: false,
  })
  const [syntaxError] = document.errors
  if (syntaxError !== undefined)
    throw invalid([`${path}:${lines.linePos(syntaxError.pos[0]).line}: ${syntaxError.message}`])
  const parsed = datasetSchema(tables).safeParse(document.toJS())
  if (!parsed.success) {
    const messages = parsed.error.issues.flatMap(describeIssue).map(({ at, message }) => {
      const { line } = lines.linePos(offsetOf(document, at))
      return `${path}:${Math.max(1, line)}: ${[...at, message].join(': ')}`
    })
    throw invalid(messages)
  }
  const expected = path.slice(path.lastIndexOf('/') + 1, -'.yaml'.length)
  if (parsed.data.name === expected) return parsed.data
  const { line } = lines.linePos(offsetOf(document, ['name']))
  throw invalid([`${path}:${line}: name: expected '${expected}', the name of the file`])
}

const invalid = (messages: readonly string[]): Problem =>
  new Problem('dataset.invalid', 500, messages.join('\n'))

type Located = { readonly at: readonly PropertyKey[]; readonly message: string }

function describeIssue(issue: z.core.$ZodIssue): readonly Located[] {
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => ({ at: [...issue.path, key], message: 'unknown field' }))
  const isMissing = issue.code === 'invalid_type' && issue.message.endsWith('received undefined')
  return [{ at: issue.path, message: isMissing ? 'required field missing' : issue.message }]
}

/** Offset of the key at a path; for a missing key, of its closest ancestor. */
function offsetOf(document: Document, path: readonly PropertyKey[]): number {
  let offset = 0
  let node: unknown = document.contents
  for (const segment of path) {
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && key.value === segment)
      if (pair === undefined) break
      offset = (pair.key as { range?: readonly number[] }).range?.[0] ?? offset
      node = pair.value
    } else if (isSeq(node)) {
      node = node.items[Number(segment)]
      offset = (node as { range?: readonly number[] } | undefined)?.range?.[0] ?? offset
    } else break
  }
  return offset
}

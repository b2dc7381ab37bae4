import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { dirname, join, normalize, relative } from 'node:path'

/** A Markdown file of the project; the path is relative to its root. */
export type Document = { readonly path: string; readonly text: string }

/** The project's own Markdown files. */
export function readDocuments(root: string): Document[] {
  const top = readdirSync(root).filter((name) => name.endsWith('.md'))
  const docs = existsSync(join(root, 'docs'))
    ? readdirSync(join(root, 'docs'), { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile() && entry.name.endsWith('.md'))
        .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    : []
  return [...top, ...docs].map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }))
}

/** Files and folders that a document names, in backticks or as a link, and that do not exist. A path with `<…>` or `*` in it is a pattern. */
export function missingPaths(root: string, documents: readonly Document[]): string[] {
  return documents.flatMap(({ path, text }) => {
    const named = [...text.matchAll(/`((?:src|ui|test|bench|tools|docs|\.ci)\/[^`\s]*)`/g)].map(
      ([, target = '']) => target,
    )
    const linked = [
      ...proseOf({ path, text }).text.matchAll(/\]\((?!https?:|mailto:|#)([^)#\s]+)/g),
    ].map(([, target = '']) => normalize(join(dirname(path), target)))
    return [...new Set([...named, ...linked])]
      .filter((target) => !/[<*]/.test(target) && !existsSync(join(root, target)))
      .map((target) => `${path}: ${target} does not exist`)
  })
}

/** Links to test files whose text is not the title of a test in that file. A title with a value in it is named up to the value. */
export function missingTests(root: string, documents: readonly Document[]): string[] {
  return documents.flatMap(({ path, text }) =>
    [...text.matchAll(/\[([^\]]+)\]\(([^)#\s]+\.test\.tsx?)\)/g)].flatMap(
      ([, title = '', target = '']) => {
        const file = normalize(join(dirname(path), target))
        const code = existsSync(join(root, file)) ? readFileSync(join(root, file), 'utf8') : ''
        const calls = code.replaceAll(/\(\s+/g, '(')
        const isTitle = [`('${title}`, `(\`${title}`].some((start) => calls.includes(start))
        return isTitle ? [] : [`${path}: ${file} has no test “${title}”`]
      },
    ),
  )
}

/** Pages below `docs/` to which no other document links. */
export function unlinkedPages(documents: readonly Document[]): string[] {
  const linked = new Set(
    documents.flatMap(({ path, text }) =>
      [...text.matchAll(/\]\(([^)#\s]+)/g)].map(([, target = '']) =>
        normalize(join(dirname(path), target)),
      ),
    ),
  )
  return documents.flatMap(({ path }) => {
    const folder = `${dirname(path)}/`
    const isReached = linked.has(path) || linked.has(folder) || !path.startsWith('docs/')
    return isReached ? [] : [`${path}: no document links to it`]
  })
}

/** The prose of a document, line for line, without code blocks and names of things. */
export function proseOf({ path, text }: Document): Document {
  const blank = (code: string): string => code.replaceAll(/[^\n]/g, '')
  return {
    path,
    text: `\n${text.replaceAll(/^```[^]*?^```/gm, blank).replaceAll(/`[^`\n]*`/g, '')}`,
  }
}

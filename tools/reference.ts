// npm run reference: writes docs/reference from the declarations in src.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { renderReference } from './render-reference.ts'

const root = join(import.meta.dirname, '..')
for (const { path, text } of renderReference(root)) {
  writeFileSync(join(root, path), text)
  console.log(path)
}

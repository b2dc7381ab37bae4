// npm run structure [-- --json]: prints the structure of the source tree and its deprecated words.
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { readSources } from '../test/tidy/read-source.ts'
import { findWords, pending, readTexts } from '../test/tidy/words.ts'
import { renderStructure, surveyStructure } from './survey-structure.ts'

const root = join(import.meta.dirname, '..')
const { values } = parseArgs({ options: { json: { type: 'boolean' } } })
const structure = surveyStructure(readSources(root, ['src', 'ui', 'test', 'bench', 'tools']))
const texts = readTexts(root, ['src', 'ui/src'])
const words = Object.entries(pending).map(([word, instead]) => ({
  word,
  lines: findWords(texts, { [word]: instead }).length,
}))
if (values.json === true) console.log(JSON.stringify({ ...structure, words }, undefined, 2))
else {
  const counted = words.map(({ word, lines }) => `  ${String(lines).padStart(6)}  ${word}`)
  console.log(renderStructure(structure))
  console.log(['\nLines with a pending word (test/tidy/words.ts)', ...counted].join('\n'))
}

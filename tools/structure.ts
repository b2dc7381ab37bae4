// npm run structure [-- --json]: prints the structure of the source tree.
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { readSources } from '../test/tidy/read-source.ts'
import { renderStructure, surveyStructure } from './survey-structure.ts'

const root = join(import.meta.dirname, '..')
const { values } = parseArgs({ options: { json: { type: 'boolean' } } })
const structure = surveyStructure(readSources(root, ['src', 'ui', 'test', 'bench', 'tools']))
console.log(
  values.json === true ? JSON.stringify(structure, undefined, 2) : renderStructure(structure),
)

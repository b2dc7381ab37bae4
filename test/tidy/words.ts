import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join, relative } from 'node:path'

/** Expressions that the project does not use, each with what to write instead. An entry of one word is found inside of camelCase names too. */
export type Words = Readonly<Record<string, string>>

/** Expressions that neither documents nor `src` and `ui` contain. */
export const banned: Words = {
  'takes? its word': 'trusts',
  'come to be': 'become',
  heir: 'successor',
  elder: 'predecessor',
  estate: 'inherited state',
  errand: 'counter request',
  loan: 'lease',
  farewell: 'the status or message itself',
  hasten: 'wake',
  obey: 'apply',
  asker: 'principal',
  surroundings: 'metadata',
  circumstances: 'context',
  thinner: 'AuditThrottle',
  telling: 'naturalKeys',
  wholes: 'fullSchemas',
  sliceable: 'CooperativeTask',
  handover: 'upgrade',
  handOver: 'upgrade',
  'hand-over': 'upgrade',
  Desk: 'Context',
  tellsSecrets: 'canReadSecrets',
  maySeeSecrets: 'canReadSecrets',
  knownTo: 'visibilityFor',
  atOnce: 'batchSize, runToCompletion, … by meaning',
  bodyOf: 'normalizeBody',
  askOf: 'actionLabel',
  deedOf: 'actionLabel',
  metaOf: 'describeDatasets',
  curlOf: 'toCurl',
  placeOf: 'a name by meaning',
  takeWord: 'applyHealthOverride',
  ejectByWord: 'applyHealthOverride',
  recoversByQuestions: 'hasActiveChecks',
  askedPeers: 'clientCaList',
  carryOut: 'applyPlan',
  addUp: 'summarize',
  attendAudit: 'startAuditJobs',
  keepAuditShort: 'pruneAudit',
  SnapshotShelf: 'SnapshotCache',
  turnAway: 'rejectConnection',
  tellCaller: 'setConsumerHeaders',
  inSlices: 'runSliced',
  oncePer: 'memoizeByKey',
  'carry-out': 'apply-plan',
  'keep-audit-short': 'prune-audit',
  'attend-audit': 'start-audit-jobs',
  'turn-away': 'reject-connection',
  'tell-caller': 'set-consumer-headers',
  'usual[A-Z]\\w*': 'default…',
  'most(?!Specific)[A-Z]\\w*': 'max…',
  'least(?!Connections)[A-Z]\\w*': 'min…',
  '(?:is|are|was) told': 'receives, reports',
  '(?:is|are|was) asked': 'receives a request',
  'lets? go of': 'releases',
  '(?:/\\*\\*|//) (?:What|Who|Whose|How)(?= )': 'the subject: Options of, Number of, Address of',
  '[a-z]+Complaint(?!s)': '…Error',
  '[A-Z][a-z]+Told': 'a name by meaning',
  isGenuine: 'hasValidSignature',
  explainAsk: 'explainAccess',
  whereNothingExists: 'rightsWithoutEntities',
  HeldByExchange: 'ExchangeResources',
  StreamCarrier: 'StreamTransport',
  WitnessFiles: 'TrustFiles',
  asKyselyWants: 'toBetterSqlite',
}

/** Every place in `files` where one of `words` stands, each as a sentence with the file first. */
export function findWords(files: readonly TextFile[], words: Words): string[] {
  const patterns = Object.keys(words).map((word) => [word, patternOf(word)] as const)
  return files.flatMap(({ path, text }) =>
    text
      .split('\n')
      .flatMap((line, index) =>
        patterns.flatMap(([word, pattern]) =>
          pattern.test(line) ? [`${path}:${index}: “${word}”; write ${words[word]}`] : [],
        ),
      ),
  )
}

export type TextFile = { readonly path: string; readonly text: string }

/** Everything below these folders and files of `root` that people read as text. */
export function readTexts(root: string, places: readonly string[]): TextFile[] {
  return places.flatMap((place) => {
    const at = join(root, place)
    if (!existsSync(at)) return []
    const paths = place.includes('.')
      ? [place]
      : readdirSync(at, { recursive: true, withFileTypes: true })
          .filter((entry) => entry.isFile() && /\.(ts|tsx|md|yaml)$/.test(entry.name))
          .map((entry) => relative(root, join(entry.parentPath, entry.name)))
          .filter((path) => !path.includes('node_modules'))
    return paths.map((path) => ({
      path,
      text: `${path}\n${readFileSync(join(root, path), 'utf8')}`,
    }))
  })
}

/** `heir` matches heir, Heir and heirs, alone or as a part of a camelCase or kebab-case name; `bodyOf` and sentences match as they are. */
function patternOf(word: string): RegExp {
  if (!/^[a-z]+$/.test(word)) return new RegExp(`(?<![A-Za-z])${word}(?![a-z])`)
  const capital = `${word.slice(0, 1).toUpperCase()}${word.slice(1)}`
  return new RegExp(`(?<![A-Za-z])${word}s?(?![a-z])|(?<![A-Z])${capital}s?(?![a-z])`)
}

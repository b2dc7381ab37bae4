import { basename } from 'node:path'
import { mayOpen, socketPlaces } from '../rooms.ts'
import { findCycles } from './find-cycles.ts'
import { codeForm, type SourceFile } from './read-source.ts'

/** One rule, and the violations that it finds, each as a sentence with the file first. */
export type Rule = {
  readonly says: string
  readonly broken: (files: readonly SourceFile[]) => string[]
}

export const rules: readonly Rule[] = [
  { says: 'a room opens only rooms below it', broken: (files) => eachImport(files, wallComplaint) },
  {
    says: 'a sub-folder is private to its room',
    broken: (files) => eachImport(files, privacyComplaint),
  },
  {
    says: 'ui opens nothing of src but src/schema and src/entities, and nothing of Node',
    broken: (files) => eachImport(files, pageComplaint),
  },
  {
    says: 'what the ui opens loads in a browser: no import leads to Node',
    broken: browserComplaints,
  },
  {
    says: 'what is special about one entity stands in its module',
    broken: (files) =>
      each(
        files.filter((file) => isProduct(file) && roomOf(file.path) !== 'entities'),
        (file) => file.entityChecks.length > 0 && `decides by an entity: ${file.entityChecks[0]}`,
      ),
  },
  {
    says: 'no file leads back to itself, types included',
    broken: (files) => findCycles(files).map((cycle) => `${cycle[0]}: cycle ${cycle.join(' → ')}`),
  },
  {
    says: 'a file has at most 400 lines',
    broken: (files) => each(files, (file) => file.lines > 400 && `has ${file.lines} lines`),
  },
  {
    says: 'files and folders are in kebab-case and have names of their own',
    broken: (files) => each(files, nameComplaint),
  },
  {
    says: 'exports have names, and come from where they are made',
    broken: (files) => each(files, exportComplaint),
  },
  {
    says: 'the environment is read in src/cli/environment.ts only',
    broken: (files) =>
      each(
        files.filter((file) => isProduct(file) && file.path !== 'src/cli/environment.ts'),
        (file) => file.readsEnvironment && 'reads the environment',
      ),
  },
  {
    says: 'sockets are opened in the places that test/rooms.ts lists',
    broken: (files) => each(files.filter(isProduct), socketComplaint),
  },
  { says: 'the proxy names no plugin', broken: pluginNameComplaints },
  {
    says: 'planes start processes and join rooms, and use no package',
    broken: (files) => each(files.filter(isProduct), planeComplaint),
  },
  { says: 'every problem code is room.reason, written once', broken: codeComplaints },
]

type Complaint = string | false | undefined

function each(files: readonly SourceFile[], complain: (file: SourceFile) => Complaint): string[] {
  return files.flatMap((file) => {
    const complaint = complain(file)
    return typeof complaint === 'string' ? [`${file.path}: ${complaint}`] : []
  })
}

function eachImport(
  files: readonly SourceFile[],
  complain: (file: SourceFile, target: string) => Complaint,
): string[] {
  return files.flatMap((file) =>
    file.imports.flatMap((target) => {
      const complaint = complain(file, target)
      return typeof complaint === 'string' ? [`${file.path}: ${complaint}`] : []
    }),
  )
}

const isTest = (file: SourceFile): boolean => /\.test\.tsx?$/.test(file.path)
const isProduct = (file: SourceFile): boolean => file.path.startsWith('src/') && !isTest(file)
const roomOf = (path: string): string | undefined => /^src\/([^/]+)\//.exec(path)?.[1]

function wallComplaint(file: SourceFile, target: string): Complaint {
  const from = roomOf(file.path)
  if (from === undefined) return undefined
  const to = roomOf(target)
  if (to !== undefined) return !mayOpen(from, to) && `${from} may not open ${target}`
  if (isTest(file) && target.startsWith('test/harness/')) return undefined
  return /^(ui|test|bench|tools|\.\.)\//.test(target) && `opens ${target}, outside of src`
}

function privacyComplaint(file: SourceFile, target: string): Complaint {
  if (file.path.startsWith('test/')) return undefined
  const isPrivate = /^src\/[^/]+\/[^/]+\//.test(target)
  return isPrivate && roomOf(file.path) !== roomOf(target) && `opens ${target}, which is private`
}

function pageComplaint(file: SourceFile, target: string): Complaint {
  if (!file.path.startsWith('ui/') || isTest(file) || file.path === 'ui/vite.config.ts')
    return undefined
  const isForeign = /^(src\/(?!(schema|entities)\/)|test\/|bench\/|tools\/|node:)/.test(target)
  return isForeign && `opens ${target}`
}

/** Every file of these rooms, and every file to which its imports lead. */
function browserComplaints(files: readonly SourceFile[]): string[] {
  const byPath = new Map(files.map((file) => [file.path, file]))
  const reached = new Set<string>()
  const visit = (path: string): void => {
    if (reached.has(path)) return
    reached.add(path)
    for (const target of byPath.get(path)?.imports ?? []) visit(target)
  }
  for (const file of files) {
    const room = roomOf(file.path)
    if (isProduct(file) && (room === 'schema' || room === 'entities')) visit(file.path)
  }
  return each(
    files.filter(({ path }) => reached.has(path)),
    ({ imports }) => {
      const target = imports.find((one) => one.startsWith('node:'))
      return target !== undefined && `opens ${target}, which a browser has not`
    },
  )
}

/** A bare `manager` is the Manager, our pages; what ends in it manages everything and therefore nothing. */
const banned = /(?:^|[/-])(utils?|helpers?|common|misc|[a-z]+-manager)(?:[/.-]|$)/

function nameComplaint(file: SourceFile): Complaint {
  const words = banned.exec(file.path)?.[1]
  if (words !== undefined) return `has the unspecific name ${words}`
  const isKebab = file.path.split('/').every((part) => /^[a-z0-9]+([-.][a-z0-9]+)*$/.test(part))
  return !isKebab && 'is not in kebab-case'
}

function exportComplaint(file: SourceFile): Complaint {
  if (basename(file.path).endsWith('.config.ts')) return undefined
  if (file.exports.includes('default')) return 'has a default export'
  return file.isBarrel && 'is a barrel: it only re-exports'
}

const socketModules = /^(node:(net|tls|dgram|https?|http2)|undici)$/
/** Functions and tables of the socket modules that open nothing. */
const inert = new Set([
  'BlockList',
  'METHODS',
  'STATUS_CODES',
  'constants',
  'isIP',
  'isIPv4',
  'isIPv6',
  'SocketAddress',
  'createSecureContext',
])

function socketComplaint({ path, foreignValues }: SourceFile): Complaint {
  if (socketPlaces.some((place) => path.startsWith(place))) return undefined
  const found = foreignValues.find(({ from, name }) => socketModules.test(from) && !inert.has(name))
  return found !== undefined && `imports ${found.name} from ${found.from}`
}

/** `key-auth` is the authentication method of a consumer's key too, in events and for `findKey`. */
function pluginNameComplaints(files: readonly SourceFile[]): string[] {
  const plugins = files.flatMap(({ path }) => /^src\/plugins\/([^/]+)\.ts$/.exec(path)?.[1] ?? [])
  const names = new Set(plugins.filter((name) => name !== 'key-auth'))
  const proxy = files.filter((file) => isProduct(file) && roomOf(file.path) === 'proxy')
  return each(proxy, ({ texts }) => {
    const name = texts.find((text) => names.has(text))
    return name !== undefined && `names the plugin ${name}`
  })
}

const planeModules =
  /^node:(child_process|cluster|events|fs|net|os|path|process|timers\/promises|url)$/

function planeComplaint({ path, foreignValues }: SourceFile): Complaint {
  if (roomOf(path) !== 'planes') return undefined
  const found = foreignValues.find(({ from }) => !planeModules.test(from))
  return found !== undefined && `imports ${found.from}`
}

function codeComplaints(files: readonly SourceFile[]): string[] {
  const places = new Map<string, string[]>()
  const complaints = files.filter(isProduct).flatMap((file) =>
    file.problemCodes.flatMap((code) => {
      if (code === undefined) return [`${file.path}: a problem whose code is not a literal`]
      places.set(code, [...(places.get(code) ?? []), file.path])
      const isForm = code === 'internal' || codeForm.test(code)
      return isForm ? [] : [`${file.path}: the code ${code} is not of the form room.reason`]
    }),
  )
  const twice = [...places].filter(([, paths]) => paths.length > 1)
  return [
    ...complaints,
    ...twice.map(([code, paths]) => `${paths[0]}: ${code} is written in ${paths.join(', ')}`),
  ]
}

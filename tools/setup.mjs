// Runs before npm scripts, on the Node that the machine has: installs the packages, Node 24 among
// them, and builds the pages, each only when it is out of date. Prints nothing when all is up to date.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  existsSync,
  linkSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const at = (...path) => join(root, ...path)
const installStamp = at('node_modules', '.weir-installed')
const pagesStamp = at('dist', 'ui', '.weir-built')
const lock = at('.weir-setup')
const gigabytesNeeded = 2

/** An error printed without its stack. */
class SetupProblem extends Error {}

/** Updates the packages and, without `--no-ui`, the pages. */
async function setUp(options) {
  refuseUnsuitableMachine()
  const steps = options.includes('--no-ui') ? [install] : [install, buildPages]
  if (steps.every((step) => step.isDone())) return
  const release = await takeLock()
  try {
    for (const step of steps) if (!step.isDone()) await step.run()
  } finally {
    release()
  }
}

function refuseUnsuitableMachine() {
  if (Number(process.versions.node.split('.')[0]) < 20)
    throw new SetupProblem(
      `Weir needs Node 20 or newer to set itself up; this is Node ${process.versions.node}.`,
    )
  const { platform, arch } = process
  if (!['linux', 'darwin'].includes(platform) || !['x64', 'arm64'].includes(arch))
    throw new SetupProblem(
      `Weir runs on Linux and macOS (x64 and arm64), where its embedded warehouse, chDB, is built; this is ${platform}-${arch}. On Windows, use WSL.`,
    )
  if (platform === 'linux' && !process.report.getReport().header.glibcVersionRuntime)
    throw new SetupProblem(
      'Weir’s embedded warehouse, chDB, needs glibc; this Linux has another C library (Alpine?). Use a Debian, Ubuntu or Red Hat based image.',
    )
}

const install = {
  isDone: () => readText(installStamp) === installedState(),
  async run() {
    refuseFullDisk()
    await withProgress('Installing packages', runNpm(), explainNpm)
    const node = spawnQuietly(at('node_modules', '.bin', 'node'), ['--version'])
    const { code } = await node.ended
    if (code !== 0)
      throw new SetupProblem(
        'The packages are installed, but Node 24 among them does not start. If npm’s install scripts are switched off (npm config get ignore-scripts), switch them on and try again.',
      )
    writeFileSync(installStamp, installedState())
  },
}

const buildPages = {
  isDone: () => readText(pagesStamp) === pagesState(),
  async run() {
    const state = pagesState()
    const fresh = at('dist', `ui-${process.pid}`)
    const vite = at('node_modules', 'vite', 'bin', 'vite.js')
    const outDir = ['--outDir', fresh, '--emptyOutDir', '--logLevel', 'warn']
    const node = at('node_modules', '.bin', 'node')
    try {
      await withProgress(
        'Building the pages',
        spawnQuietly(node, [vite, 'build', at('ui'), ...outDir]),
        (output) => output,
      )
      writeFileSync(join(fresh, basename(pagesStamp)), state)
      rmSync(at('dist', 'ui'), { recursive: true, force: true })
      renameSync(fresh, at('dist', 'ui'))
    } finally {
      rmSync(fresh, { recursive: true, force: true })
    }
  },
}

/** Hash of what determines the installed packages: the lock file, the dependencies and the platform. */
function installedState() {
  const { dependencies, devDependencies } = JSON.parse(readText(at('package.json')))
  const inputs = JSON.stringify([dependencies, devDependencies, process.platform, process.arch])
  return hashOf([inputs, readText(at('package-lock.json'))])
}

/** Hash of what determines the pages: their files, the schemas they share with the server, and the packages. */
function pagesState() {
  const files = [...filesIn(at('ui')), ...filesIn(at('src', 'schema'))]
  const sources = files
    .filter((file) => !/\.test\.tsx?$/.test(file))
    .toSorted((one, other) => one.localeCompare(other))
  return hashOf([installedState(), ...sources.flatMap((file) => [file, readFileSync(file)])])
}

function filesIn(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
}

function hashOf(parts) {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part ?? '').update('\0')
  return hash.digest('hex')
}

function readText(file) {
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined
}

function refuseFullDisk() {
  const { bavail, bsize } = statfsSync(root)
  const free = (bavail * bsize) / 1e9
  if (!existsSync(at('node_modules')) && free < gigabytesNeeded)
    throw new SetupProblem(
      `The packages need ${gigabytesNeeded} GB of disk; ${free.toFixed(1)} GB are free at ${root}.`,
    )
}

/** Runs `npm install` with the npm that started this script, on its Node: the install may replace the Node of this project. */
function runNpm() {
  const npm = process.env.npm_execpath ?? ''
  const own = basename(npm) === 'npm-cli.js'
  const [program, ...first] = own
    ? [process.env.npm_node_execpath ?? process.execPath, npm]
    : ['npm']
  const options = ['install', '--no-audit', '--no-fund', '--loglevel', 'error']
  return spawnQuietly(program, [...first, ...options])
}

function spawnQuietly(program, args) {
  const child = spawn(program, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  const keep = (chunk) => {
    output = (output + chunk).slice(-20_000)
  }
  child.stdout.on('data', keep)
  child.stderr.on('data', keep)
  const ended = new Promise((resolve) => {
    child.on('error', (error) => resolve({ code: 1, output: error.message }))
    child.on('close', (code) => resolve({ code, output }))
  })
  return { ended }
}

/** Shows progress: one line that counts seconds on a terminal, a line every 15 seconds elsewhere. */
async function withProgress(title, running, explain) {
  const began = Date.now()
  const terminal = process.stderr.isTTY === true
  const line = (ending) => `${title} … ${Math.round((Date.now() - began) / 1000)} s${ending}`
  const show = () => process.stderr.write(terminal ? `\r${line('')}` : `${line('')}\n`)
  if (terminal) show()
  else process.stderr.write(`${title} …\n`)
  const timer = setInterval(show, terminal ? 1000 : 15_000)
  const { code, output } = await running.ended
  clearInterval(timer)
  process.stderr.write(`${terminal ? '\r' : ''}${line(code === 0 ? ', done' : ', failed')}\n`)
  if (code !== 0) throw new SetupProblem(`${title} failed.\n${explain(output.trim())}`)
}

function explainNpm(output) {
  const reasons = [
    [/ENOSPC/, 'The disk is full.'],
    [
      /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ENETUNREACH/,
      'The package registry could not be reached.',
    ],
    [/EACCES|EPERM/, `Some files in ${root} are not writable.`],
    [/ENOENT.*npm|spawn npm/, 'npm was not found; it comes with Node.'],
  ]
  const found = reasons.find(([pattern]) => pattern.test(output))
  return found === undefined ? output : `${found[1]} Output of npm:\n${output}`
}

/** Waits until no other set-up runs in this folder; takes over the lock of a process that has exited. */
async function takeLock() {
  for (let isAnnounced = false; ;) {
    if (tryLock()) return () => rmSync(lock, { force: true })
    const holder = Number(readText(lock))
    if (holder > 0 && !isRunning(holder)) rmSync(lock, { force: true })
    else {
      if (!isAnnounced)
        process.stderr.write('Another set-up runs in this folder; waiting for it.\n')
      isAnnounced = true
      await new Promise((resolve) => setTimeout(resolve, 200))
    }
  }
}

/** A hard link is atomic, so a lock always has its process id. */
function tryLock() {
  const mine = `${lock}-${process.pid}`
  writeFileSync(mine, String(process.pid))
  try {
    linkSync(mine, lock)
    return true
  } catch (error) {
    if (error.code !== 'EEXIST') throw error
    return false
  } finally {
    rmSync(mine)
  }
}

function isRunning(pid) {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}

setUp(process.argv.slice(2)).catch((error) => {
  const message = error instanceof SetupProblem ? error.message : (error.stack ?? String(error))
  process.stderr.write(`\n${message}\n`)
  process.exitCode = 1
})

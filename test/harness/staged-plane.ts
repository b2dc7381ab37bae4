import { appendFileSync, readFileSync } from 'node:fs'

// Runs in place of src/cli/plane-process.ts in a copy of the program: a plane that serves nothing, and that stops at the
// point that the plan names. It imports nothing of the program, so that it is loaded quickly.

export type Plan = { readonly point: string; readonly action: 'go' | 'pause' | 'die' }

const plan = process.env['STAGED_PLAN'] ?? ''
const addresses = Object.fromEntries(
  ['admin', 'manager', 'nodes'].map((name, at) => [name, `http://127.0.0.1:${at + 1}`]),
)

/** Writes the name of the point and the pid beside the plan, then follows the plan. Anything after a pause comes after SIGCONT. */
export function reach(point: string): void {
  const wanted = JSON.parse(readFileSync(plan, 'utf8')) as Plan
  if (wanted.point === point && wanted.action === 'die') {
    appendFileSync(`${plan}.reached`, `${point} ${process.pid}\n`)
    process.exit(3)
  }
  appendFileSync(`${plan}.reached`, `${point} ${process.pid}\n`)
  if (wanted.point === point && wanted.action === 'pause') process.kill(process.pid, 'SIGSTOP')
}

function runPlane(name: 'control' | 'gateway'): void {
  reach(`${name} loaded`)
  process.on('message', (message) => {
    const { type } = message as { type: string }
    if (type === 'stop') {
      reach(`${name} stopping`)
      process.exit(0)
    }
    if (type !== 'start') return
    reach(`${name} started`)
    process.send?.(
      name === 'control'
        ? { type: 'control-ready', addresses: { ...addresses, joinSecret: 'none' } }
        : { type: 'gateway-ready' },
    )
    reach(`${name} ready`)
  })
  process.on('disconnect', () => process.exit(0))
}

// The supervisor imports only `reach`.
if (import.meta.main)
  runPlane(process.execArgv.some((flag) => flag.includes('pretenuring')) ? 'gateway' : 'control')

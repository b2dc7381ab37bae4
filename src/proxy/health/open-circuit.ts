import type { Clock } from '../../lib/clock.ts'
import type { Healthchecks } from '../../schema/snapshot.ts'
import type { Peer } from '../balance/peer.ts'
import {
  countFinding,
  countSuccess,
  eject,
  recover,
  usesPassive,
  type Finding,
  type Health,
} from './health.ts'

/** What becomes of the findings about peers: Kong's counts, and beyond them a circuit that closes by itself. A peer that requests found unhealthy, and that no question
 *  will find healthy again, gets one request after a delay that grows each time; when that is answered well it is healthy. At most half of the peers
 *  are taken out by what requests meet with, and at least one may be. */
export type Circuit = {
  /** What a request met with; undefined when that says nothing. */
  report(peer: Peer, finding: Finding | undefined): void
  /** What a question met with; `connected` is that of a check that only connects. */
  reportCheck(peer: Peer, finding: Finding | 'connected'): void
  /** A peer that a request may try, if one is due and the request may be risked. */
  pickTrial(mayRisk: boolean): Peer | undefined
}

/** What a circuit is opened with. */
export type CircuitOptions = {
  readonly healthchecks: Healthchecks | undefined
  readonly clock: Clock
  /** Where a change of health is counted. */
  readonly memory: { changes: number }
  readonly peers: () => readonly Peer[]
}

/** Milliseconds until a peer is tried again: doubling from the first to the longest. */
export const trialDelay = { first: 10_000, longest: 300_000 }

const delayAfter = (trips: number): number =>
  Math.min(trialDelay.first * 2 ** Math.min(trips - 1, 20), trialDelay.longest)

/** Opens a circuit over the peers of a pool; without healthchecks it finds nothing out. */
export function openCircuit(options: CircuitOptions): Circuit {
  const { healthchecks, clock, memory, peers } = options
  if (healthchecks === undefined) return idle
  const { active, passive } = healthchecks
  const isPassive = usesPassive(healthchecks)
  const recoversByQuestions = active.unhealthy.interval > 0 && active.healthy.successes > 0
  const findDue = openDueFinder(options)

  const takeOut = ({ state: { health } }: Peer, by: Health['foundBy']): void => {
    eject(health, by)
    health.trialAt = clock.now() + delayAfter(health.trips)
    memory.changes += 1
  }
  const bringBack = ({ state: { health } }: Peer): void => {
    recover(health)
    memory.changes += 1
  }
  const settleTrial = (peer: Peer, finding: Finding | undefined): void => {
    const { health } = peer.state
    health.onTrial = false
    memory.changes += 1
    if (finding === undefined) return
    const isWell = typeof finding === 'number' && !passive.unhealthy.http_statuses.includes(finding)
    if (isWell) bringBack(peer)
    else takeOut(peer, health.foundBy)
  }

  return {
    report(peer, finding) {
      const { health } = peer.state
      if (health.onTrial) return settleTrial(peer, finding)
      if (!isPassive || finding === undefined) return
      const verdict = countFinding(health, passive, finding)
      if (verdict === 'healthy') bringBack(peer)
      else if (verdict === 'unhealthy' && mayTakeOut(peers())) takeOut(peer, 'passive')
    },
    reportCheck(peer, finding) {
      const { health } = peer.state
      const verdict =
        finding === 'connected'
          ? countSuccess(health, active.healthy.successes)
          : countFinding(health, active, finding)
      if (verdict === 'healthy') bringBack(peer)
      else if (verdict === 'unhealthy') takeOut(peer, 'active')
    },
    pickTrial(mayRisk) {
      const due = mayRisk && !recoversByQuestions ? findDue() : undefined
      if (due === undefined) return undefined
      due.state.health.onTrial = true
      memory.changes += 1
      return due
    },
  }
}

/** Finds the peer whose trial is due; looks through all of them only after a change. */
function openDueFinder({ clock, memory, peers }: CircuitOptions): () => Peer | undefined {
  let earliest = Number.POSITIVE_INFINITY
  let seen = -1
  let seenPeers: readonly Peer[] = []
  return () => {
    const current = peers()
    if (seen !== memory.changes || seenPeers !== current) {
      seen = memory.changes
      seenPeers = current
      earliest = nextTrial(current)
    }
    if (earliest === Number.POSITIVE_INFINITY) return undefined
    const now = clock.now()
    return now < earliest ? undefined : current.find(({ state }) => isDue(state.health, now))
  }
}

const idle: Circuit = {
  report: () => undefined,
  reportCheck: () => undefined,
  pickTrial: () => undefined,
}

const isWaiting = ({ healthy, onTrial }: Health): boolean => !healthy && !onTrial

const isDue = (health: Health, now: number): boolean => isWaiting(health) && now >= health.trialAt

function nextTrial(peers: readonly Peer[]): number {
  const times = peers.flatMap(({ state: { health } }) =>
    isWaiting(health) ? [health.trialAt] : [],
  )
  return Math.min(...times)
}

/** Whether one more may be taken out: half of the peers, and one in any case. */
function mayTakeOut(peers: readonly Peer[]): boolean {
  const out = peers.filter(
    ({ state: { health } }) => !health.healthy && health.foundBy === 'passive',
  ).length
  return out < Math.max(1, Math.floor(peers.length / 2))
}

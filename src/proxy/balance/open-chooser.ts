import type { Choice } from './balancer.ts'
import type { Peer } from './peer.ts'

/** Divides the peers of a moment by what may be done with them; computes anew only when a peer came, went, fell ill or recovered. While no more than `threshold`
 *  percent of the weight is well, nobody may be asked. */
export function openChooser(
  peers: () => readonly Peer[],
  memory: { readonly changes: number },
  threshold: number,
): () => Choice {
  let dividedPeers: readonly Peer[] | undefined
  let changes = -1
  let choice: Choice = { all: [], open: [], draining: [] }
  return () => {
    const now = peers()
    if (now === dividedPeers && changes === memory.changes) return choice
    const divided = divide(now)
    const all = isSame(choice.all, divided.all) ? choice.all : divided.all
    choice = isBelow(now, threshold)
      ? { all, open: [], draining: [] }
      : choiceOf(all, divided.open, divided.draining)
    dividedPeers = now
    changes = memory.changes
    return choice
  }
}

/** Failover peers stand in only when no other peer is well. */
function divide(peers: readonly Peer[]): Choice {
  const draining = peers.filter((peer) => peer.weight === 0 && isWell(peer))
  const first = peers.filter(({ weight, failover }) => weight > 0 && !failover)
  const second = peers.filter(({ weight, failover }) => weight > 0 && failover)
  const well = first.filter(isWell)
  if (well.length > 0 || second.length === 0) return { all: first, open: well, draining }
  return { all: second, open: second.filter(isWell), draining }
}

/** The very list of all when all are open, so that comparing the two is enough. */
const choiceOf = (
  all: readonly Peer[],
  open: readonly Peer[],
  draining: readonly Peer[],
): Choice => ({ all, open: open.length === all.length ? all : open, draining })

const isWell = ({ state }: Peer): boolean => state.health.healthy

const isSame = (a: readonly Peer[], b: readonly Peer[]): boolean =>
  a.length === b.length && a.every((peer, at) => peer === b[at])

/** Kong's comparison: what is well must be more than the threshold. */
function isBelow(peers: readonly Peer[], threshold: number): boolean {
  if (threshold === 0) return false
  const sum = (list: readonly Peer[]): number =>
    list.reduce((total, { weight }) => total + weight, 0)
  const total = sum(peers)
  return total > 0 && (sum(peers.filter(isWell)) / total) * 100 <= threshold
}

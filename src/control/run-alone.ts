import { setTimeout as sleep } from 'node:timers/promises'
import { randomSecret } from '../lib/ids.ts'
import type { LeaseRows } from '../store/lease-rows.ts'

/** So long a process that died keeps others from the work. */
const leaseLength = 20_000

/** Does work while no other process on the same store does work of that name; waits for its turn. */
export async function runAlone<Result>(
  leases: LeaseRows,
  name: string,
  work: () => Promise<Result>,
): Promise<Result> {
  const holder = randomSecret(12)
  while (!(await leases.acquire(name, holder, leaseLength))) await sleep(50)
  try {
    return await work()
  } finally {
    await leases.release(name, holder)
  }
}

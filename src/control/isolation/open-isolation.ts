import { runBetweenEvents, type CooperativeTask } from '../../lib/cooperative-task.ts'
import type { Snapshot } from '../../schema/snapshot.ts'
import { changeClaims, noClaims } from './change-claims.ts'
import { checkGrants } from './check-grants.ts'
import { checkNames } from './check-names.ts'
import { checkRoutes } from './check-routes.ts'
import type { ChangeAuthor } from './refusals.ts'
import type { RouteValidation } from '../route-validation.ts'

/** A change and its author. */
export type IsolationCheck = {
  readonly before: Snapshot
  readonly after: Snapshot
  readonly author: ChangeAuthor
}

/** Isolates the traffic of workspaces. */
export type Isolation = {
  readonly validation: RouteValidation
  /** Throws a Problem for a change after which a workspace could receive requests of another. The returned function accepts the later snapshot. */
  check(change: IsolationCheck): Promise<() => void>
  /** Indexes a snapshot, so that the cost of the next check depends on the change. */
  prepare(snapshot: Snapshot): Promise<void>
}

/**
 * Compares what a change touches with an index of all routes. Routes that collided before they were checked stay active until
 * their conditions change.
 */
export function openIsolation(validation: RouteValidation): Isolation {
  let settled = noClaims
  function* settle(snapshot: Snapshot): CooperativeTask<typeof settled> {
    if (settled.snapshot !== snapshot) settled = (yield* changeClaims(settled, snapshot)).claims
    return settled
  }
  return {
    validation,
    check: ({ before, after, author }) =>
      runBetweenEvents(
        (function* () {
          const known = yield* settle(before)
          const { claims, changed } = yield* changeClaims(known, after)
          yield* checkGrants(known, claims, author)
          yield* checkRoutes({ before: known, after: claims, changed, validation, author })
          yield* checkNames(known, claims, author)
          return () => {
            settled = claims
          }
        })(),
      ),
    async prepare(snapshot) {
      await runBetweenEvents(settle(snapshot))
    },
  }
}

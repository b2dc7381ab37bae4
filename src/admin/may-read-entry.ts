import type { Configuration } from '../control/configuration.ts'
import type { Question } from '../control/permit.ts'
import type { EntityName } from '../entities/entities.ts'
import type { Entry } from '../entities/entry.ts'
import type { Place } from './admin-route.ts'
import { askAbout, homeOf, ownPath, pathOf, segmentOf } from './ask-of.ts'

/** A list in which an entry may be shown. */
export type ListDoor = {
  readonly configuration: Configuration
  readonly principal: string
  readonly place: Place
  /** The question about the list as such. */
  readonly question: Question
}

/** Whether an entry may be shown in a list: when it may be read at its own path, and no door to it is closed, this list's included. */
export function mayReadEntry(
  { configuration, principal, place, question }: ListDoor,
  entity: EntityName,
  entry: Entry,
): boolean {
  const segment = segmentOf(entity, entry)
  const home = homeOf(entity, place, segment, entry)
  const ask = askAbout(entity, entry, home, ownPath(entity, segment), 'read')
  const here = askAbout(entity, entry, home, `${question.ask.path}${pathOf(segment)}`, 'read')
  const doors = [...(question.doors ?? []), here]
  return configuration.judge(principal, { ask, doors }).allowed
}

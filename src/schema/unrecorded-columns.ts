import type { EventColumn } from './event.ts'

const label = 'LowCardinality(String)'

/** Number of events of a workspace that a process did not record in one minute. */
export const unrecordedColumns = {
  time: { type: `DateTime64(6, 'UTC')`, about: 'The minute.' },
  workspace: { type: label, about: 'Id of the workspace; empty where no route matched.' },
  workspace_name: { type: label, about: 'Its name when the count was stored.' },
  node: { type: label, about: 'The node that handled the requests.' },
  zone: { type: label, about: 'The zone of the node.' },
  environment: { type: label, about: 'The environment of the node.' },
  kind: { type: label, about: 'shed (the requests were served) or refused.' },
  source: { type: 'UUID', about: 'The process that counted.' },
  sequence: { type: 'UInt32', about: 'Tells the counts of a process apart.' },
  events: { type: 'UInt64', about: 'Number of events.' },
} as const satisfies Readonly<Record<string, EventColumn>>

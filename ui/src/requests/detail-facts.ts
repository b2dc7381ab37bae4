/** One field of a request. */
export type DetailField = {
  /** Member of `requests`, without the dataset. */
  readonly member: string
  readonly title: string
  readonly mono?: boolean
  /** False where a filter makes no sense. */
  readonly filter?: boolean
}

/** The fields of a request by group. */
export const detailGroups: readonly { title: string; fields: readonly DetailField[] }[] = [
  {
    title: 'Decision',
    fields: [
      { member: 'outcome', title: 'Outcome' },
      { member: 'denied_by', title: 'Denied by' },
      { member: 'reason', title: 'Reason' },
      { member: 'revision', title: 'Revision' },
    ],
  },
  {
    title: 'Caller',
    fields: [
      { member: 'consumer', title: 'Consumer' },
      { member: 'consumer_groups', title: 'Consumer groups', filter: false },
      { member: 'auth_method', title: 'Authentication' },
      { member: 'credential', title: 'Credential', mono: true },
      { member: 'subject', title: 'Subject' },
      { member: 'issuer', title: 'Issuer' },
      { member: 'scopes', title: 'Scopes', filter: false },
      { member: 'principal_kind', title: 'Kind' },
      { member: 'agent', title: 'Agent' },
      { member: 'client_address', title: 'Client address', mono: true },
      { member: 'user_agent', title: 'User agent' },
      { member: 'peer_identity', title: 'Peer identity' },
    ],
  },
  {
    title: 'Routing',
    fields: [
      { member: 'workspace', title: 'Workspace' },
      { member: 'service', title: 'Service' },
      { member: 'route', title: 'Route' },
      { member: 'route_path', title: 'Matched path', mono: true },
      { member: 'host', title: 'Host' },
      { member: 'query', title: 'Query', mono: true, filter: false },
      { member: 'target', title: 'Target', mono: true },
      { member: 'tries', title: 'Tries', filter: false },
      { member: 'failed_tries', title: 'Failed tries', mono: true, filter: false },
      { member: 'upstream_status', title: 'Upstream status' },
    ],
  },
  {
    title: 'Size and trace',
    fields: [
      { member: 'request_bytes', title: 'Request body', filter: false },
      { member: 'response_bytes', title: 'Response body', filter: false },
      { member: 'request_id', title: 'Request ID', mono: true, filter: false },
      { member: 'trace_id', title: 'Trace ID', mono: true },
      { member: 'tls_version', title: 'TLS' },
      { member: 'node', title: 'Node' },
      { member: 'zone', title: 'Zone' },
      { member: 'environment', title: 'Environment' },
    ],
  },
]

/** Titles that cannot be derived from the name. */
const titles: Readonly<Record<string, string>> = {
  status_class: 'Status class',
  denied_by: 'Denied by',
  request_id: 'Request ID',
  trace_id: 'Trace ID',
  service_id: 'Service ID',
  route_id: 'Route ID',
  consumer_id: 'Consumer ID',
  workspace_id: 'Workspace ID',
  auth_method: 'Authentication',
  tls_version: 'TLS version',
  consumers: 'Number of consumers',
  clients: 'Number of clients',
}

/** The title of a member, with or without its dataset: `requests.status_class` is Status class. */
export function memberTitle(member: string): string {
  const name = member.slice(member.indexOf('.') + 1)
  const words = name.replaceAll('_', ' ')
  return titles[name] ?? words.charAt(0).toUpperCase() + words.slice(1)
}

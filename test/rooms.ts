/** The rooms of `src`, lowest first: a room opens only rooms of the tiers before its own. */
export const tiers: readonly (readonly string[])[] = [
  ['lib'],
  ['entities'],
  ['schema'],
  [
    'access',
    'audit',
    'identity',
    'secrets',
    'snapshot',
    'store',
    'warehouse',
    'proxy',
    'telemetry',
  ],
  ['plugins', 'control', 'analytics', 'cluster'],
  ['declarative', 'preview', 'dataplane'],
  ['admin'],
  ['planes'],
  ['supervisor'],
  ['cli'],
]

/** Every room, lowest first. */
export const rooms: readonly string[] = tiers.flat()

/** Whether a file in the room `from` may import a file of the room `to`. */
export function mayOpen(from: string, to: string): boolean {
  return from === to || (tierOf(to) !== -1 && tierOf(to) < tierOf(from))
}

/** Files and folders of `src` that open sockets. All others import only types and constants from socket modules. */
export const socketPlaces: readonly string[] = [
  'src/proxy/http1/',
  'src/proxy/http2/',
  'src/proxy/tls/',
  'src/proxy/udp/',
  'src/admin/http/listen-app.ts',
  'src/cli/config/admin-client.ts',
  'src/proxy/front/',
  'src/proxy/health/',
  'src/proxy/open-proxy.ts',
  'src/lib/request-guarded.ts',
  'src/telemetry/export/',
  'src/cluster/',
  'src/supervisor/listening-socket.ts',
  'src/cli/demo/',
]

/** The table of docs/ARCHITECTURE.md. */
export function renderRooms(): string {
  const below = (height: number): string => ['nothing', 'tier 1'][height] ?? `tiers 1 to ${height}`
  const lines = tiers.map((tier, height) => {
    const names = tier.map((room) => `\`${room}\``).join(', ')
    return `| ${height + 1} | ${names} | ${below(height)} |`
  })
  return ['| tier | rooms | may open |', '|---|---|---|', ...lines].join('\n')
}

const tierOf = (room: string): number => tiers.findIndex((tier) => tier.includes(room))

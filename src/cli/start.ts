import { joinTokenFile, type PlaneSettings } from '../planes/plane-settings.ts'
import type { PlaneAddresses } from '../supervisor/messages.ts'
import { runPlanes } from './run-node.ts'

/** The flags of `weir start`. */
export type StartOptions = {
  readonly data?: string
  readonly plane?: string
  readonly controlUrl?: string
}

/** Starts a node and prints its addresses. */
export async function startCommand({ data, plane, controlUrl }: StartOptions): Promise<void> {
  const { settings, addresses } = await runPlanes({
    WEIR_DATA: data,
    WEIR_PLANE: plane,
    WEIR_CONTROL_URL: controlUrl,
  })
  const name = settings.plane === undefined ? 'Weir' : `The ${settings.plane} plane of Weir`
  console.log(`${name} ${settings.version} is running; its data is in ${settings.data}.\n`)
  for (const [label, value] of describeAddresses(settings, addresses))
    console.log(`  ${label.padEnd(15)}${value}`)
  const { control } = addresses
  if (control?.setup !== undefined)
    console.log(
      `\nCreate the first administrator here (the link works once):\n  ${control.manager}${control.setup}`,
    )
  console.log()
}

function describeAddresses(
  settings: PlaneSettings,
  { control, gateway }: PlaneAddresses,
): [label: string, value: string][] {
  const lines: [string, string][] = []
  if (gateway !== undefined) lines.push(['Proxy', gateway.proxy])
  if (gateway?.proxySsl !== undefined) lines.push(['Proxy TLS', gateway.proxySsl])
  if (control !== undefined) {
    lines.push(...labelled('Admin API', control.admin, control.admins))
    lines.push(...labelled('Manager', control.manager, control.managers))
  }
  if (control !== undefined && settings.plane === 'control')
    lines.push(['Nodes', control.nodes], ['Join token', `in ${joinTokenFile(settings)}`])
  if (settings.remoteControl !== undefined) lines.push(['Control', settings.remoteControl.url])
  return lines
}

const labelled = (
  label: string,
  first: string,
  all: readonly string[] = [first],
): [label: string, value: string][] => [
  [label, first],
  ...all
    .filter((url) => url !== first)
    .map((url): [string, string] => [url.startsWith('https:') ? `${label} TLS` : label, url]),
]

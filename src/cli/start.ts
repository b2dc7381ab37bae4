import { joinTokenFile } from '../planes/open-keys.ts'
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
  const { control, gateway } = addresses
  const isAlone = settings.plane === 'control'
  const lines: readonly (readonly [name: string, value: string | undefined])[] = [
    ['Proxy', gateway?.proxy],
    ['Proxy TLS', gateway?.proxySsl],
    ['Admin API', control?.admin],
    ['Manager', control?.manager],
    ['Nodes', isAlone ? control?.nodes : undefined],
    ['Join token', isAlone ? `in ${joinTokenFile(settings)}` : undefined],
    ['Control', settings.remoteControl?.url],
  ]
  const name = settings.plane === undefined ? 'Weir' : `The ${settings.plane} plane of Weir`
  console.log(`${name} ${settings.version} is running; its data is in ${settings.data}.\n`)
  for (const [label, value] of lines)
    if (value !== undefined) console.log(`  ${label.padEnd(11)}${value}`)
  if (control?.setup !== undefined)
    console.log(
      `\nCreate the first administrator here (the link works once):\n  ${control.manager}${control.setup}`,
    )
  console.log()
}

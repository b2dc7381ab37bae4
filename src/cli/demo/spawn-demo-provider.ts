import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { Problem } from '../../lib/problem.ts'
import type { DemoClient } from './demo-people.ts'

/** A running identity provider. */
export type DemoProvider = {
  readonly issuer: string
  /** Registers its clients; it answers nothing before. */
  open(clients: readonly DemoClient[]): Promise<void>
  close(): Promise<void>
}

/** Starts the identity provider of the demo as a child process that ends with this one. */
export async function spawnDemoProvider(): Promise<DemoProvider> {
  const program = fileURLToPath(new URL('demo-provider.ts', import.meta.url))
  // Its warnings are about the use in production.
  const child = spawn(process.execPath, [program], { stdio: ['pipe', 'pipe', 'ignore'] })
  const ended = once(child, 'exit')
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
  const read = async (): Promise<Readonly<Record<string, unknown>>> => {
    for (;;) {
      const { value, done } = await lines.next()
      if (done === true)
        throw new Problem('demo.provider_ended', 500, 'The identity provider of the demo exited.')
      // It prints notices, too.
      if (String(value).startsWith('{')) return JSON.parse(String(value)) as Record<string, unknown>
    }
  }
  const { issuer } = await read()
  return {
    issuer: String(issuer),
    async open(clients) {
      child.stdin.write(`${JSON.stringify(clients)}\n`)
      await read()
    },
    async close() {
      child.kill()
      await ended
    },
  }
}

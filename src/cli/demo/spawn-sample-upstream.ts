import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { Problem } from '../../lib/problem.ts'
import type { SampleUpstream } from './sample-upstream.ts'

/** Starts the sample upstream as a child process that ends with this one. */
export async function spawnSampleUpstream(): Promise<SampleUpstream> {
  const program = fileURLToPath(new URL('sample-upstream.ts', import.meta.url))
  const child = spawn(process.execPath, [program], { stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = once(child, 'exit')
  const lines = createInterface(child.stdout)
  const first = await Promise.race([once(lines, 'line'), ended.then(() => undefined)])
  if (first === undefined)
    throw new Problem('demo.upstream_ended', 500, 'The sample upstream exited at startup.')
  const { ports } = JSON.parse(String(first[0])) as Pick<SampleUpstream, 'ports'>
  return {
    ports,
    async close() {
      child.kill()
      await ended
    },
  }
}

import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { invalid } from '../../declarative/read-document.ts'
import { runSliced } from '../../lib/cooperative-task.ts'
import { parseJsonTask } from '../../lib/parse-json.ts'
import { openSerialQueue } from '../../lib/serial-queue.ts'
import { documentLimits } from '../http/body-limits.ts'
import type { YamlAnswer } from './parse-yaml-worker.ts'

/** Milliseconds. 16 MiB of ordinary YAML take about ten seconds. */
const timeout = 60_000

/** Parses YAML in a thread of its own, one text after the other: the parser reads a few MiB per second and cannot be suspended. Throws a 400 for invalid YAML. */
export function openYamlParser(): (text: string) => Promise<unknown> {
  const queue = openSerialQueue()
  return async (text) => {
    const answer = await queue.run(() => parseInThread(text))
    if (answer.json === undefined) throw invalid(`config: invalid YAML: ${answer.problem}`)
    return runSliced(parseJsonTask(answer.json, documentLimits))
  }
}

async function parseInThread(text: string): Promise<YamlAnswer> {
  const worker = new Worker(new URL('parse-yaml-worker.ts', import.meta.url), {
    workerData: text,
    resourceLimits: { maxOldGenerationSizeMb: 1024 },
  })
  try {
    const [answer] = (await once(worker, 'message', {
      signal: AbortSignal.timeout(timeout),
    })) as [YamlAnswer]
    return answer
  } catch (error) {
    // The thread ran out of memory or time.
    return { problem: (error as Error).message }
  } finally {
    await worker.terminate()
  }
}

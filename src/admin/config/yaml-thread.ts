import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { invalid } from '../../declarative/read-document.ts'
import { runBetweenEvents, runSliced } from '../../lib/cooperative-task.ts'
import { Problem } from '../../lib/problem.ts'
import { parseJsonTask } from '../../lib/parse-json.ts'
import { openSerialQueue } from '../../lib/serial-queue.ts'
import { jsonSteps } from '../../lib/json-steps.ts'
import { documentLimits } from '../http/body-limits.ts'
import type { YamlAnswer, YamlTask } from './yaml-worker.ts'

/** Milliseconds. 16 MiB of ordinary YAML take about ten seconds. */
const timeout = 60_000

export type Yaml = {
  /** Throws a 400 for invalid YAML. */
  parse(this: void, text: string): Promise<unknown>
  stringify(this: void, value: unknown): Promise<string>
}

/** Reads and writes YAML in a separate thread, one text after the other: the library does a few MiB per second and cannot be suspended. */
export function openYaml(): Yaml {
  const queue = openSerialQueue()
  return {
    async parse(yaml) {
      const answer = await queue.run(() => runInThread({ yaml }))
      if (answer.text === undefined) throw invalid(`config: invalid YAML: ${answer.problem}`)
      return runSliced(parseJsonTask(answer.text, documentLimits))
    },
    async stringify(value) {
      const json = await runBetweenEvents(jsonSteps(value))
      const { text, problem } = await queue.run(() => runInThread({ json: json.toString() }))
      if (text === undefined)
        throw new Problem(
          'admin.yaml',
          503,
          `The document could not be written as YAML: ${problem}`,
        )
      return text
    },
  }
}

async function runInThread(task: YamlTask): Promise<YamlAnswer> {
  const worker = new Worker(new URL('yaml-worker.ts', import.meta.url), {
    workerData: task,
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

import { parentPort, workerData } from 'node:worker_threads'
import { parse, stringify } from 'yaml'

/** A text of YAML to parse, or JSON text to write as YAML. */
export type YamlTask = { readonly yaml: string } | { readonly json: string }

/** The value as JSON text, in which aliases are expanded, or as YAML; or the error. */
export type YamlAnswer =
  | { readonly text: string; readonly problem?: undefined }
  | { readonly text?: undefined; readonly problem: string }

function answer(task: YamlTask): YamlAnswer {
  try {
    return 'yaml' in task
      ? { text: JSON.stringify(parse(task.yaml, { maxAliasCount: 100 })) }
      : { text: stringify(JSON.parse(task.json)) }
  } catch (error) {
    return { problem: (error as Error).message }
  }
}

parentPort?.postMessage(answer(workerData as YamlTask))

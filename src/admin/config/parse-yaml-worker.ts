import { parentPort, workerData } from 'node:worker_threads'
import { parse } from 'yaml'

/** The value as JSON text, in which aliases are expanded, or why there is none. */
export type YamlAnswer =
  | { readonly json: string; readonly problem?: undefined }
  | { readonly json?: undefined; readonly problem: string }

function answer(text: string): YamlAnswer {
  try {
    return { json: JSON.stringify(parse(text, { maxAliasCount: 100 })) }
  } catch (error) {
    return { problem: (error as Error).message }
  }
}

parentPort?.postMessage(answer(workerData as string))

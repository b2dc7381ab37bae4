import http from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'

const patience = 180_000

/** Waits until a URL is answered with 200, each time on a connection of its own. */
export async function firstAnswer(url: string): Promise<void> {
  const startedAt = performance.now()
  while ((await statusOf(url)) !== 200) {
    if (performance.now() - startedAt > patience) throw new Error(`${url} was not answered`)
    await sleep(5)
  }
}

/** 0 when there is no answer. */
const statusOf = (url: string): Promise<number> =>
  new Promise((resolve) => {
    const request = http.get(url, { agent: false }, (response) => {
      response.resume().on('close', () => resolve(response.statusCode ?? 0))
    })
    request.on('error', () => resolve(0))
  })

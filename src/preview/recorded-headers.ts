import { HeaderList } from '../proxy/header-list.ts'

/** What has been asked of a request since somebody began to watch. */
export type Watch = { asked: number }

/** Fields of a request of which only the host was recorded; whoever asks for another is noted. */
export class RecordedHeaders extends HeaderList {
  readonly #watch: Watch

  constructor(host: string, watch: Watch) {
    super(['host', host])
    this.#watch = watch
  }

  override get(name: string): string | undefined {
    if (name !== 'host') this.#watch.asked += 1
    return super.get(name)
  }

  override all(name: string): string[] {
    if (name !== 'host') this.#watch.asked += 1
    return super.all(name)
  }
}

/** Fields that fulfill every condition of every route that can be fulfilled by plain values. */
export function everyHeader(
  host: string,
  routes: readonly { readonly headers: Readonly<Record<string, readonly string[]>> | null }[],
): HeaderList {
  const pairs = new Map<string, readonly [string, string]>()
  for (const { headers } of routes) {
    for (const [name, values] of Object.entries(headers ?? {})) {
      for (const value of values) pairs.set(`${name}:${value}`, [name.toLowerCase(), value])
    }
  }
  return new HeaderList(['host', host, ...[...pairs.values()].flat()])
}

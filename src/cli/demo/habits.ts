/** How a service of the sample upstream behaves. */
export type Habit = {
  /** Milliseconds that half of its answers stay below. */
  readonly median: number
  /** How far the others scatter: the deviation of the logarithms. */
  readonly spread: number
  /** Share of requests that it answers with `failure`. */
  readonly errors: number
  readonly failure: number
}

/** The services of the sample upstream; the first segment of the path says which. */
export const habits: Readonly<Record<string, Habit>> = {
  orders: { median: 22, spread: 0.5, errors: 0.01, failure: 500 },
  inventory: { median: 12, spread: 0.4, errors: 0.004, failure: 500 },
  search: { median: 4, spread: 0.6, errors: 0.001, failure: 500 },
  payments: { median: 120, spread: 0.7, errors: 0.03, failure: 502 },
  billing: { median: 45, spread: 0.9, errors: 0.12, failure: 503 },
  users: { median: 9, spread: 0.4, errors: 0.005, failure: 500 },
}

const incidentEvery = 420_000
const incidentLasts = 45_000

/** The habit at a moment: for 45 seconds in every seven minutes payments is in trouble, so that there is something to find. */
export function habitAt(service: string, milliseconds: number): Habit | undefined {
  const habit = Object.hasOwn(habits, service) ? habits[service] : undefined
  if (habit === undefined || service !== 'payments') return habit
  if (milliseconds % incidentEvery < incidentEvery - incidentLasts) return habit
  return { ...habit, median: habit.median * 4, errors: 0.35 }
}

import { useEffect, useState } from 'react'

/** The current time, updated every `interval` milliseconds; not updated while that is undefined. */
export function useNow(interval: number | undefined): number {
  const [now, setNow] = useState(() => Date.now())
  useEffect(() => {
    if (interval === undefined) return
    const tick = () => setNow(Date.now())
    tick()
    const timer = setInterval(tick, interval)
    return () => clearInterval(timer)
  }, [interval])
  return now
}

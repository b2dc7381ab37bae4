import { Button, Tooltip } from '@mantine/core'
import { IconPlayerPause, IconPlayerPlay } from '@tabler/icons-react'
import type { StreamState } from '../api/subscribe.ts'
import { formatClock } from '../format/format.ts'
import { rememberedRange } from '../view/time-range.ts'
import type { PageView } from '../view/use-page-view.ts'
import classes from './live-switch.module.css'

/** What a LiveSwitch shows and changes. */
type LiveSwitchProps = {
  readonly view: PageView
  readonly state: StreamState
  readonly freshUntil: string | null | undefined
}

/** Says whether the page follows the traffic, and starts or stops it. */
export function LiveSwitch({ view, state, freshUntil }: LiveSwitchProps) {
  const shown = shownState(view, state)
  const click = () => {
    if (view.range.kind === 'between') view.setRange(rememberedRange())
    else view.change({ live: view.live ? 'off' : undefined })
  }
  const newest = freshUntil ? ` Newest request: ${formatClock(Date.parse(freshUntil))}.` : ''
  return (
    <Tooltip label={`${hints[shown]}${newest}`}>
      <Button
        size="xs"
        variant="default"
        className={classes.live}
        data-state={shown}
        onClick={click}
        leftSection={<span className={classes.dot} aria-hidden="true" />}
        rightSection={
          view.live ? <IconPlayerPause size={13} /> : <IconPlayerPlay size={13} stroke={1.8} />
        }
      >
        <span aria-live="polite">{labels[shown]}</span>
      </Button>
    </Tooltip>
  )
}

type Shown = 'live' | 'connecting' | 'reconnecting' | 'paused' | 'fixed'

function shownState(view: PageView, state: StreamState): Shown {
  if (view.range.kind === 'between') return 'fixed'
  if (!view.live) return 'paused'
  return state === 'live' || state === 'connecting' ? state : 'reconnecting'
}

const labels: Readonly<Record<Shown, string>> = {
  live: 'Live',
  connecting: 'Live',
  reconnecting: 'Reconnecting',
  paused: 'Paused',
  fixed: 'Back to live',
}

const hints: Readonly<Record<Shown, string>> = {
  live: 'New requests appear by themselves. Click to pause.',
  connecting: 'Connecting…',
  reconnecting: 'The connection was lost; what you see is the last that was known.',
  paused: 'Nothing changes until you go on. Click to follow the traffic again.',
  fixed: 'A fixed time is shown. Click to follow the traffic again.',
}

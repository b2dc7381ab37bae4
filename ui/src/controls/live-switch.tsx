import { Button, Tooltip } from '@mantine/core'
import { IconPlayerPause, IconPlayerPlay } from '@tabler/icons-react'
import type { StreamState } from '../api/subscribe.ts'
import { formatClock } from '../format/format.ts'
import { rememberedRange } from '../view/time-range.ts'
import type { PageView } from '../view/use-page-view.ts'
import classes from './live-switch.module.css'

type LiveSwitchProps = {
  readonly view: PageView
  readonly state: StreamState
  readonly freshUntil: string | null | undefined
}

/** Shows whether the page updates live; a click pauses or resumes it. */
export function LiveSwitch({ view, state, freshUntil }: LiveSwitchProps) {
  const shown = displayState(view, state)
  const click = () => {
    if (view.range.kind === 'between') view.setRange(rememberedRange())
    else view.change({ live: view.live ? 'off' : undefined })
  }
  const newest = freshUntil ? ` Latest request: ${formatClock(Date.parse(freshUntil))}.` : ''
  return (
    <Tooltip label={`${tooltips[shown]}${newest}`}>
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

type DisplayState = 'live' | 'connecting' | 'reconnecting' | 'paused' | 'fixed'

function displayState(view: PageView, state: StreamState): DisplayState {
  if (view.range.kind === 'between') return 'fixed'
  if (!view.live) return 'paused'
  return state === 'live' || state === 'connecting' ? state : 'reconnecting'
}

const labels: Readonly<Record<DisplayState, string>> = {
  live: 'Live',
  connecting: 'Live',
  reconnecting: 'Reconnecting',
  paused: 'Paused',
  fixed: 'Back to live',
}

const tooltips: Readonly<Record<DisplayState, string>> = {
  live: 'New requests appear as they arrive. Click to pause.',
  connecting: 'Connecting…',
  reconnecting: 'Connection lost. Showing the last known data.',
  paused: 'Updates are paused. Click to resume.',
  fixed: 'Showing a fixed time range. Click to return to live updates.',
}

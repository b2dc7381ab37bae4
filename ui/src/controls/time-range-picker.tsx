import { Button, Popover, SegmentedControl, Stack } from '@mantine/core'
import { DateTimePicker } from '@mantine/dates'
import { IconCalendarTime } from '@tabler/icons-react'
import { useState } from 'react'
import { timeZoneName } from '../format/format.ts'
import {
  describeTimeRange,
  toDomain,
  formatTimeRange,
  parseTimeRange,
  presets,
  rememberRange,
  type TimeRange,
} from '../view/time-range.ts'
import classes from './time-range-picker.module.css'

type TimeRangePickerProps = {
  readonly range: TimeRange
  readonly onChange: (range: TimeRange) => void
}

/** Selects a relative or a fixed time range. */
export function TimeRangePicker({ range, onChange }: TimeRangePickerProps) {
  const choose = (key: string) => {
    const chosen = parseTimeRange(key)
    if (chosen === undefined) return
    rememberRange(chosen)
    onChange(chosen)
  }
  return (
    <div className={classes.picker}>
      <SegmentedControl
        size="xs"
        aria-label="Time range"
        className={classes.presets}
        value={range.kind === 'last' ? formatTimeRange(range) : ''}
        onChange={choose}
        data={presets.map(({ key }) => ({ value: key, label: key }))}
      />
      <CustomRange key={formatTimeRange(range)} range={range} onChange={onChange} />
    </div>
  )
}

type CustomRangeProps = {
  readonly range: TimeRange
  readonly onChange: (range: TimeRange) => void
}

/** Selects a fixed time range by its start and end. */
function CustomRange({ range, onChange }: CustomRangeProps) {
  const [isOpen, setOpen] = useState(false)
  const isFixed = range.kind === 'between'
  return (
    <Popover opened={isOpen} onChange={setOpen} position="bottom-end" withArrow trapFocus>
      <Popover.Target>
        <Button
          size="xs"
          variant={isFixed ? 'light' : 'default'}
          className={classes.opener}
          aria-label={isFixed ? undefined : 'Custom time range'}
          leftSection={<IconCalendarTime size={15} stroke={1.7} />}
          onClick={() => setOpen(!isOpen)}
        >
          {isFixed ? describeTimeRange(range) : <span className={classes.label}>Custom</span>}
        </Button>
      </Popover.Target>
      <Popover.Dropdown>
        <Ends
          range={range}
          onChange={(chosen) => {
            setOpen(false)
            onChange(chosen)
          }}
        />
      </Popover.Dropdown>
    </Popover>
  )
}

function Ends({ range, onChange }: CustomRangeProps) {
  const [ends, setEnds] = useState(() => toDomain(range, Date.now()).map(localText))
  const [from = NaN, to = NaN] = ends.map((end) => new Date(end).getTime())
  const set = (at: number, value: string | null) => {
    if (value !== null) setEnds(ends.with(at, value))
  }
  return (
    <Stack gap="sm" w={250}>
      {['From', 'To'].map((label, at) => (
        <DateTimePicker
          key={label}
          label={label}
          size="xs"
          withSeconds
          valueFormat="MMM D, YYYY HH:mm:ss"
          popoverProps={{ withinPortal: false }}
          value={ends[at] ?? null}
          onChange={(value) => set(at, value)}
        />
      ))}
      <span className={classes.zone}>
        {from < to ? `Times in ${timeZoneName()}` : 'The end must be after the start.'}
      </span>
      <Button
        size="xs"
        disabled={!(from < to)}
        onClick={() => onChange({ kind: 'between', from, to })}
      >
        Apply
      </Button>
    </Stack>
  )
}

/** A local time in the format of the date picker. */
function localText(time: number): string {
  const date = new Date(time - new Date(time).getTimezoneOffset() * 60_000)
  return date.toISOString().slice(0, 19).replace('T', ' ')
}

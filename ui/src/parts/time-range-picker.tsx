import { SegmentedControl } from '@mantine/core'
import { rememberRange } from '../view/remembered-range.ts'
import { formatTimeRange, parseTimeRange, presets, type TimeRange } from '../view/time-range.ts'
import { CustomRange } from './custom-range.tsx'
import classes from './time-range-picker.module.css'

/** What a TimeRangePicker shows and changes. */
type TimeRangePickerProps = {
  readonly range: TimeRange
  readonly onChange: (range: TimeRange) => void
}

/** Chooses a moving span by one click, or a fixed one by its two ends. */
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

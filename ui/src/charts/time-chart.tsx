import { useComputedColorScheme, VisuallyHidden } from '@mantine/core'
import { BarChart, LineChart } from 'echarts/charts'
import { AriaComponent, GridComponent, TooltipComponent } from 'echarts/components'
import * as core from 'echarts/core'
import { CanvasRenderer } from 'echarts/renderers'
import { useEffect, useRef } from 'react'
import { palettes } from '../styles/palette.ts'
import { chartOption, plotInset, type TimeChartInput } from './chart-option.ts'
import classes from './time-chart.module.css'
import { useDragZoom } from './use-drag-zoom.ts'

/** What a TimeChart needs beside its data. */
type TimeChartProps = TimeChartInput & {
  /** What the chart shows, for those who cannot see it. */
  readonly label: string
  readonly height: number
  readonly onZoom: (from: number, to: number) => void
}

/** All charts of a page share one cross-hair. */
const group = 'page'

/** A chart over time: drag to zoom, cross-hair shared with the page's other charts. New data changes what is drawn in place. */
export function TimeChart({ label, height, onZoom, ...input }: TimeChartProps) {
  const place = useRef<HTMLDivElement>(null)
  const scheme = useComputedColorScheme('light', { getInitialValueInEffect: false })
  const { drag, frame } = useDragZoom(input.domain, onZoom)

  useEffect(() => {
    if (place.current === null) return
    const chart = echarts.init(place.current)
    chart.group = group
    echarts.connect(group)
    const observer = new ResizeObserver(() => chart.resize())
    observer.observe(place.current)
    return () => {
      observer.disconnect()
      chart.dispose()
    }
  }, [])

  useEffect(() => {
    const chart = place.current && echarts.getInstanceByDom(place.current)
    chart?.setOption(chartOption(input, palettes[scheme]), {
      replaceMerge: ['series'],
      lazyUpdate: true,
    })
  })

  return (
    <figure className={classes.frame} style={{ height }} {...frame}>
      <VisuallyHidden component="figcaption">{label}</VisuallyHidden>
      <div ref={place} className={classes.canvas} />
      {drag !== undefined && (
        <div
          className={classes.selection}
          style={{
            left: Math.min(drag.start, drag.end),
            width: Math.abs(drag.end - drag.start),
            top: plotInset.top,
            bottom: plotInset.bottom,
          }}
        />
      )}
    </figure>
  )
}

core.use([BarChart, LineChart, GridComponent, TooltipComponent, AriaComponent, CanvasRenderer])

/** ECharts with only what Weir's charts use. */
const echarts = core

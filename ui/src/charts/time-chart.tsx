import { useComputedColorScheme, VisuallyHidden } from '@mantine/core'
import { BarChart, LineChart } from 'echarts/charts'
import {
  AriaComponent,
  GridComponent,
  MarkPointComponent,
  TooltipComponent,
} from 'echarts/components'
import * as core from 'echarts/core'
import { CanvasRenderer } from 'echarts/renderers'
import { useEffect, useRef } from 'react'
import { palettes } from '../styles/palette.ts'
import { chartOption, plotInset, type TimeChartInput } from './chart-option.ts'
import classes from './time-chart.module.css'
import { useDragZoom } from './use-drag-zoom.ts'

type TimeChartProps = TimeChartInput & {
  /** Description for screen readers. */
  readonly label: string
  readonly height: number
  readonly onZoom: (from: number, to: number) => void
}

/** Charts of one group share the crosshair. */
const group = 'page'

/** A chart over time with drag to zoom and a crosshair shared by all charts of the page. */
export function TimeChart({ label, height, onZoom, ...input }: TimeChartProps) {
  const container = useRef<HTMLDivElement>(null)
  const scheme = useComputedColorScheme('light', { getInitialValueInEffect: false })
  const { drag, frame } = useDragZoom(input.domain, onZoom)

  useEffect(() => {
    if (container.current === null) return
    const chart = echarts.init(container.current)
    chart.group = group
    echarts.connect(group)
    const observer = new ResizeObserver(() => chart.resize())
    observer.observe(container.current)
    return () => {
      observer.disconnect()
      chart.dispose()
    }
  }, [])

  useEffect(() => {
    const chart = container.current && echarts.getInstanceByDom(container.current)
    chart?.setOption(chartOption(input, palettes[scheme]), {
      replaceMerge: ['series'],
      lazyUpdate: true,
    })
  })

  return (
    <figure className={classes.frame} style={{ height }} {...frame}>
      <VisuallyHidden component="figcaption">{label}</VisuallyHidden>
      <div ref={container} className={classes.canvas} />
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

core.use([
  BarChart,
  LineChart,
  GridComponent,
  MarkPointComponent,
  TooltipComponent,
  AriaComponent,
  CanvasRenderer,
])

const echarts = core

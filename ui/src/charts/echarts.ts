import { BarChart, LineChart } from 'echarts/charts'
import { AriaComponent, GridComponent, TooltipComponent } from 'echarts/components'
import * as core from 'echarts/core'
import { CanvasRenderer } from 'echarts/renderers'

core.use([BarChart, LineChart, GridComponent, TooltipComponent, AriaComponent, CanvasRenderer])

/** ECharts with only what Weir's charts use. */
export const echarts = core

import { Button } from '@mantine/core'
import { IconChartHistogram, IconLock } from '@tabler/icons-react'
import { Link } from '@tanstack/react-router'
import type { EntityRecord } from '../api/entities.ts'
import { LiveSwitch } from '../controls/live-switch.tsx'
import { TimeRangePicker } from '../controls/time-range-picker.tsx'
import { Panel } from '../layout/panel.tsx'
import { useMasks } from '../notices/masked.tsx'
import { Notice } from '../notices/notice.tsx'
import { trafficQueries } from '../overview/overview-queries.ts'
import { AnswerNotices, liveError } from '../traffic/answer-notices.tsx'
import { TrafficPanels } from '../traffic/traffic-panels.tsx'
import { keepScope } from '../view/search.ts'
import { useLiveQueries } from '../view/use-live-queries.ts'
import { usePageView } from '../view/use-page-view.ts'
import { EntityHeader } from './entity-header.tsx'
import type { Kind } from './kinds.ts'

type EntityTrafficProps = {
  readonly kind: Kind
  readonly workspace: string
  readonly entity: EntityRecord
}

/** The header of an entity's page and its live traffic. */
export function EntityTraffic({ kind, workspace, entity }: EntityTrafficProps) {
  const view = usePageView()
  const masks = useMasks()
  const filters = kind.traffic?.(entity) ?? []
  const reason = filters.map(({ member }) => masks.reasonFor(member)).find(Boolean)
  const queries =
    masks.known && reason === undefined
      ? trafficQueries({ workspace, range: view.range, filters })
      : {}
  const live = useLiveQueries(queries, view.live)

  return (
    <>
      <EntityHeader
        {...{ kind, workspace, entity }}
        {...(kind.plural === 'plugins' ? { about: 'Requests that this plugin denied.' } : {})}
      >
        <Button
          size="xs"
          variant="default"
          leftSection={<IconChartHistogram size={15} stroke={1.7} />}
          renderRoot={(props) => (
            <Link
              to="/"
              search={(previous) => ({ ...keepScope(previous), workspace, filters })}
              {...props}
            />
          )}
        >
          Explore
        </Button>
        <TimeRangePicker range={view.range} onChange={view.setRange} />
        <LiveSwitch
          view={view}
          state={live.state}
          freshUntil={live.result('totals').answer?.freshUntil}
        />
      </EntityHeader>
      {reason === undefined ? (
        <>
          <AnswerNotices live={live} view={view} masks={masks} />
          {liveError(live) === undefined && <TrafficPanels live={live} view={view} height={160} />}
        </>
      ) : (
        <Panel title="Traffic">
          <Notice compact icon={<IconLock size={24} stroke={1.5} />} title="Masked">
            {reason}
          </Notice>
        </Panel>
      )}
    </>
  )
}

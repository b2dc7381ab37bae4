import { Button } from '@mantine/core'
import { IconChartHistogram, IconLock } from '@tabler/icons-react'
import { Link } from '@tanstack/react-router'
import type { EntityRecord } from '../api/entities.ts'
import { AnswerNotices, refusalOf } from '../overview/answer-notices.tsx'
import { trafficQuestions } from '../overview/overview-questions.ts'
import { TrafficPanels } from '../overview/traffic-panels.tsx'
import { LiveSwitch } from '../parts/live-switch.tsx'
import { Notice } from '../parts/notice.tsx'
import { Panel } from '../parts/panel.tsx'
import { TimeRangePicker } from '../parts/time-range-picker.tsx'
import { useMasks } from '../parts/use-masks.ts'
import { keepView } from '../view/keep-view.ts'
import { useLiveAnswers } from '../view/use-live-answers.ts'
import { usePageView } from '../view/use-page-view.ts'
import { EntityHead } from './entity-head.tsx'
import type { Kind } from './kinds.ts'

/** Whose traffic is shown. */
type TrafficOfProps = {
  readonly kind: Kind
  readonly workspace: string
  readonly entity: EntityRecord
}

/** The head of an entity's page, and its own traffic, live. */
export function TrafficOf({ kind, workspace, entity }: TrafficOfProps) {
  const view = usePageView()
  const masks = useMasks()
  const filters = kind.traffic?.(entity) ?? []
  const reason = filters.map(({ member }) => masks.reasonFor(member)).find(Boolean)
  const questions =
    masks.known && reason === undefined
      ? trafficQuestions({ workspace, range: view.range, filters })
      : {}
  const live = useLiveAnswers(questions, view.live)

  return (
    <>
      <EntityHead
        {...{ kind, workspace, entity }}
        {...(kind.plural === 'plugins' ? { about: 'The requests that this policy refused.' } : {})}
      >
        <Button
          size="xs"
          variant="default"
          leftSection={<IconChartHistogram size={15} stroke={1.7} />}
          renderRoot={(props) => (
            <Link
              to="/"
              search={(previous) => ({ ...keepView(previous), workspace, filters })}
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
          freshUntil={live.told('totals').answer?.freshUntil}
        />
      </EntityHead>
      {reason === undefined ? (
        <>
          <AnswerNotices live={live} view={view} masks={masks} />
          {refusalOf(live) === undefined && <TrafficPanels live={live} view={view} height={160} />}
        </>
      ) : (
        <Panel title="Traffic">
          <Notice compact icon={<IconLock size={24} stroke={1.5} />} title="Masked for you">
            {reason}
          </Notice>
        </Panel>
      )}
    </>
  )
}

import { IconEyeOff } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import type { Visibility } from '../../../src/schema/answer.ts'
import { metaQuery } from '../api/analytics.ts'
import { useSession } from '../api/session.ts'
import { FilterBar } from '../controls/filter-bar.tsx'
import { LiveSwitch } from '../controls/live-switch.tsx'
import { TimeRangePicker } from '../controls/time-range-picker.tsx'
import { Page, PageHeader } from '../layout/page.tsx'
import { type Masks, useMasks } from '../notices/masked.tsx'
import { Notice } from '../notices/notice.tsx'
import { PageSkeleton } from '../notices/skeletons.tsx'
import { LatestRequests } from '../requests/latest-requests.tsx'
import { RequestDrawer } from '../requests/request-drawer.tsx'
import { AnswerNotices, liveError } from '../traffic/answer-notices.tsx'
import { TrafficPanels } from '../traffic/traffic-panels.tsx'
import { UnrecordedNotice } from '../traffic/unrecorded-notice.tsx'
import { useLiveQueries } from '../view/use-live-queries.ts'
import { type PageView, usePageView } from '../view/use-page-view.ts'
import { boards } from './boards.ts'
import { Leaderboard } from './leaderboard.tsx'
import classes from './overview-page.module.css'
import { exportQuery, overviewQueries } from './overview-queries.ts'

/** The traffic that the viewer may see: totals, charts, leaderboards and the latest requests. */
export function OverviewPage() {
  const masks = useMasks()
  const view = usePageView()
  const { data } = useQuery(metaQuery)
  if (!masks.known) return <PageSkeleton />
  if (data?.visibility.scope === 'nothing')
    return <NoVisibleRequests visibility={data.visibility} />
  return <Overview masks={masks} view={view} />
}

type OverviewProps = { readonly masks: Masks; readonly view: PageView }

function Overview({ masks, view }: OverviewProps) {
  const { workspaces } = useSession()
  const { workspace, range, filters } = view
  const isAcross = workspaces.length > 1 && workspace === undefined
  const shown = boards.filter(({ member }) => member !== (isAcross ? 'method' : 'workspace'))
  const asked = shown.filter(({ member }) => masks.reasonFor(member) === undefined)
  const scope = { workspace, range, filters }
  const live = useLiveQueries(overviewQueries(scope, asked), view.live)
  const latest = live.result('latest')

  return (
    <Page>
      <PageHeader title="Overview" about={workspace ?? (isAcross ? 'All workspaces' : undefined)}>
        <TimeRangePicker range={range} onChange={view.setRange} />
        <LiveSwitch view={view} state={live.state} freshUntil={latest.answer?.freshUntil} />
      </PageHeader>
      <FilterBar view={view} />
      <AnswerNotices live={live} view={view} masks={masks} />
      <UnrecordedNotice scope={scope} />
      {liveError(live) === undefined && (
        <>
          <TrafficPanels live={live} view={view} height={220} />
          <div className={classes.boards}>
            {shown.map((board) => (
              <Leaderboard
                key={board.member}
                board={board}
                result={live.result(`board.${board.member}`)}
                maskReason={masks.reasonFor(board.member)}
                unsetLabel={board.member === 'consumer' ? masks.noCaller : board.unsetLabel}
                filters={filters}
                onToggle={view.toggle}
              />
            ))}
          </div>
          <LatestRequests
            result={latest}
            exportedQuery={exportQuery(scope)}
            view={view}
            maskReason={masks.reasonFor('consumer')}
          />
        </>
      )}
      <RequestDrawer view={view} />
    </Page>
  )
}

/** Replaces the page for viewers who may see no requests, with the rules behind it. */
function NoVisibleRequests({ visibility }: { readonly visibility: Visibility }) {
  return (
    <Notice icon={<IconEyeOff size={28} stroke={1.5} />} title={visibility.statement}>
      {visibility.because.map((sentence) => (
        <p key={sentence}>{sentence}</p>
      ))}
      <p>You see the requests of services that you may read. Ask an administrator for access.</p>
    </Notice>
  )
}

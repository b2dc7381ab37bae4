import { useQuery } from '@tanstack/react-query'
import { metaQuery } from '../api/analytics.ts'
import { useSession } from '../api/session.ts'
import { FilterBar } from '../parts/filter-bar.tsx'
import { LiveSwitch } from '../parts/live-switch.tsx'
import { PageHead } from '../parts/page-head.tsx'
import { Page } from '../parts/page.tsx'
import { PageLoading } from '../parts/page-loading.tsx'
import { TimeRangePicker } from '../parts/time-range-picker.tsx'
import { useMasks, type Masks } from '../parts/use-masks.ts'
import { useLiveAnswers } from '../view/use-live-answers.ts'
import { usePageView, type PageView } from '../view/use-page-view.ts'
import { AnswerNotices, refusalOf } from './answer-notices.tsx'
import { boards } from './boards.ts'
import { LatestRequests } from './latest-requests.tsx'
import { Leaderboard } from './leaderboard.tsx'
import classes from './overview-page.module.css'
import { NothingToSee } from './nothing-to-see.tsx'
import { exportQuestion, overviewQuestions } from './overview-questions.ts'
import { RequestDrawer } from './request-drawer.tsx'
import { TrafficPanels } from './traffic-panels.tsx'

/** All traffic that the viewer may see: numbers, charts, leaderboards and the latest requests. */
export function OverviewPage() {
  const masks = useMasks()
  const view = usePageView()
  const { data } = useQuery(metaQuery)
  if (!masks.known) return <PageLoading />
  if (data?.visibility.scope === 'nothing') return <NothingToSee visibility={data.visibility} />
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
  const live = useLiveAnswers(overviewQuestions(scope, asked), view.live)
  const latest = live.told('latest')

  return (
    <Page>
      <PageHead title="Overview" about={workspace ?? (isAcross ? 'All workspaces' : undefined)}>
        <TimeRangePicker range={range} onChange={view.setRange} />
        <LiveSwitch view={view} state={live.state} freshUntil={latest.answer?.freshUntil} />
      </PageHead>
      <FilterBar view={view} />
      <AnswerNotices live={live} view={view} masks={masks} />
      {refusalOf(live) === undefined && (
        <>
          <TrafficPanels live={live} view={view} height={220} />
          <div className={classes.boards}>
            {shown.map((board) => (
              <Leaderboard
                key={board.member}
                board={board}
                told={live.told(`board.${board.member}`)}
                maskedBecause={masks.reasonFor(board.member)}
                filters={filters}
                onToggle={view.toggle}
              />
            ))}
          </div>
          <LatestRequests
            told={latest}
            exported={exportQuestion(scope)}
            view={view}
            maskedBecause={masks.reasonFor('consumer')}
          />
        </>
      )}
      <RequestDrawer view={view} />
    </Page>
  )
}

import { Button } from '@mantine/core'
import { IconDownload } from '@tabler/icons-react'
import { useMutation } from '@tanstack/react-query'
import { useMemo } from 'react'
import type { QueryInput } from '../../../src/schema/query.ts'
import { downloadCsv } from '../api/analytics.ts'
import { Panel } from '../layout/panel.tsx'
import type { LiveResult } from '../view/use-live-queries.ts'
import type { PageView } from '../view/use-page-view.ts'
import { toRows } from './request-row.ts'
import { RequestTable } from './request-table.tsx'

/** What the LatestRequests show. */
type LatestRequestsProps = {
  readonly told: LiveResult
  /** The question whose answer is exported. */
  readonly exported: QueryInput
  readonly view: PageView
  readonly maskReason: string | undefined
}

/** The table of the latest requests, with the export of all of them. */
export function LatestRequests({ told, exported, view, maskReason }: LatestRequestsProps) {
  const { answer, problem } = told
  const rows = useMemo(() => toRows(answer), [answer])
  const exporting = useMutation({ mutationFn: () => downloadCsv(exported, 'requests.csv') })
  return (
    <Panel
      title="Latest requests"
      hint={rows.length > 0 ? `the newest ${rows.length}` : ''}
      stale={told.stale}
      flush
      aside={
        <Button
          size="compact-xs"
          variant="default"
          leftSection={<IconDownload size={14} stroke={1.7} />}
          loading={exporting.isPending}
          onClick={() => exporting.mutate()}
        >
          {exporting.isError ? 'Export failed, try again' : 'Export CSV'}
        </Button>
      }
    >
      <RequestTable
        rows={rows}
        isLoading={answer === undefined && problem === undefined}
        openId={view.request}
        onOpen={(request) => view.change({ request })}
        maskReason={maskReason}
      />
    </Panel>
  )
}

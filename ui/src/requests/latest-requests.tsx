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

type LatestRequestsProps = {
  readonly result: LiveResult
  readonly exportedQuery: QueryInput
  readonly view: PageView
  readonly maskReason: string | undefined
}

/** The latest requests, with a CSV export. */
export function LatestRequests({ result, exportedQuery, view, maskReason }: LatestRequestsProps) {
  const { answer, problem } = result
  const rows = useMemo(() => toRows(answer), [answer])
  const csvExport = useMutation({ mutationFn: () => downloadCsv(exportedQuery, 'requests.csv') })
  return (
    <Panel
      title="Latest requests"
      hint={rows.length > 0 ? `Newest ${rows.length}` : ''}
      stale={result.stale}
      flush
      aside={
        <Button
          size="compact-xs"
          variant="default"
          leftSection={<IconDownload size={14} stroke={1.7} />}
          loading={csvExport.isPending}
          onClick={() => csvExport.mutate()}
        >
          {csvExport.isError ? 'Export failed. Retry' : 'Export CSV'}
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

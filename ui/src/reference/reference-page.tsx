import { Button, NavLink, Select, TextInput } from '@mantine/core'
import { IconBook2, IconDownload, IconSearch } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useParams } from '@tanstack/react-router'
import { useMemo, useState } from 'react'
import { Page, PageHeader } from '../layout/page.tsx'
import { Panel } from '../layout/panel.tsx'
import { ErrorState } from '../notices/error-state.tsx'
import { Notice } from '../notices/notice.tsx'
import { PageSkeleton } from '../notices/skeletons.tsx'
import { keepScope } from '../view/search.ts'
import { documentPath, documentQuery } from './api-document.ts'
import { FieldTable } from './field-table.tsx'
import { type Call, type Group, groupApi, searchGroups } from './group-api.ts'
import classes from './reference-page.module.css'

/** The reference of the Admin API, from its OpenAPI document. */
export function ReferencePage() {
  const query = useQuery(documentQuery)
  const { data } = query
  const groups = useMemo(() => (data === undefined ? [] : groupApi(data)), [data])
  const [typed, setTyped] = useState('')
  const found = searchGroups(groups, typed)
  const { group: named } = useParams({ strict: false })
  const shown = found.find(({ name }) => slugOf(name) === named) ?? found[0]
  if (query.error !== null)
    return (
      <ErrorState
        error={query.error}
        what="the API reference"
        onRetry={() => void query.refetch()}
      />
    )
  if (data === undefined) return <PageSkeleton />
  return (
    <Page narrow>
      <PageHeader
        title="API reference"
        about="Kong-compatible Admin API. Prefix a path with a workspace name to address that workspace."
      >
        <TextInput
          size="xs"
          w={230}
          aria-label="Search the reference"
          placeholder="Search paths and fields"
          leftSection={<IconSearch size={14} stroke={1.8} />}
          value={typed}
          onChange={(event) => setTyped(event.currentTarget.value)}
        />
        <Button
          component="a"
          href={documentPath}
          download="openapi.json"
          size="xs"
          variant="default"
          leftSection={<IconDownload size={14} stroke={1.8} />}
        >
          OpenAPI
        </Button>
      </PageHeader>
      {shown === undefined ? (
        <Notice icon={<IconSearch size={26} stroke={1.5} />} title="No results">
          No paths or fields match “{typed}”.
        </Notice>
      ) : (
        <div className={classes.columns}>
          <Contents groups={found} shown={shown} />
          <Shown group={shown} />
        </div>
      )}
    </Page>
  )
}

type ContentsProps = { readonly groups: readonly Group[]; readonly shown: Group }

/** The list of groups; a select on narrow screens. */
function Contents({ groups, shown }: ContentsProps) {
  const navigate = useNavigate()
  return (
    <>
      <nav aria-label="Reference" className={classes.contents}>
        {groups.map(({ name }) => (
          <NavLink
            key={name}
            className={classes.entry}
            label={name}
            active={name === shown.name}
            renderRoot={(props) => (
              <Link
                to="/reference/$group"
                params={{ group: slugOf(name) }}
                search={keepScope}
                aria-current={name === shown.name ? 'page' : undefined}
                {...props}
              />
            )}
          />
        ))}
      </nav>
      <Select
        className={classes.choice}
        aria-label="Reference section"
        leftSection={<IconBook2 size={14} stroke={1.8} />}
        data={groups.map(({ name }) => ({ value: slugOf(name), label: name }))}
        value={slugOf(shown.name)}
        allowDeselect={false}
        onChange={(group) =>
          void navigate({
            to: '/reference/$group',
            params: { group: group ?? '' },
            search: keepScope,
          })
        }
      />
    </>
  )
}

function Shown({ group }: { readonly group: Group }) {
  return (
    <div className={classes.shown}>
      <Panel title={group.name} hint={group.about} flush>
        <CallList calls={group.calls} />
      </Panel>
      {group.schemas.map(([name, schema], index) => (
        <Panel
          key={name}
          title={index === 0 ? 'Fields' : `Settings of ${name.replace(/^\w+-/, '')}`}
          {...(index === 0 || schema.description === undefined ? {} : { hint: schema.description })}
          flush
        >
          <FieldTable schema={schema} />
        </Panel>
      ))}
    </div>
  )
}

/** Group names may contain a slash. */
const slugOf = (name: string): string => name.replaceAll('/', '.')

/** Operations by path, the shortest paths first. */
function CallList({ calls }: { readonly calls: readonly Call[] }) {
  const byPath = [...Map.groupBy(calls, ({ path }) => path)]
  return (
    <ul className={classes.calls}>
      {byPath
        .toSorted(([a], [b]) => depth(a) - depth(b))
        .map(([path, methods]) => (
          <li key={path}>
            <code>{path}</code>
            <span className={classes.methods}>
              {methods.map(({ method, summary }) => (
                <span key={method} data-method={method} title={summary}>
                  {method}
                </span>
              ))}
            </span>
          </li>
        ))}
    </ul>
  )
}

const depth = (path: string): number => path.split('/').length

import { Button, Select, TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState, type FormEvent } from 'react'
import { Panel } from '../parts/panel.tsx'
import { Refusal } from '../parts/refusal.tsx'
import { entitlementsQuery, explanationQuery, type AccessQuestion } from './access-queries.ts'
import classes from './explain-form.module.css'
import { Explained } from './explained.tsx'

const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']

/** Asks whether somebody may do something, exactly as the Admin API would decide it. */
export function ExplainForm({ workspace }: { readonly workspace: string }) {
  const { data } = useQuery(entitlementsQuery(workspace))
  const names = data?.principals.map(({ principal }) => principal.name) ?? []
  const [typed, setTyped] = useState({ user: '', method: 'GET', path: '/services' })
  const [asked, setAsked] = useState<AccessQuestion>()
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    setAsked({ ...typed, user: typed.user || (names[0] ?? '') })
  }
  return (
    <div className={classes.columns}>
      <Panel title="May they?" hint="Decided as a request to the Admin API would be">
        <form onSubmit={submit} className={classes.form}>
          <Select
            label="Who"
            searchable
            data={names}
            value={typed.user || (names[0] ?? null)}
            onChange={(user) => setTyped({ ...typed, user: user ?? '' })}
          />
          <Select
            label="Method"
            w={110}
            data={methods}
            allowDeselect={false}
            value={typed.method}
            onChange={(method) => setTyped({ ...typed, method: method ?? 'GET' })}
          />
          <TextInput
            label={`Path in ${workspace}`}
            className={classes.path ?? ''}
            value={typed.path}
            onChange={(event) => setTyped({ ...typed, path: event.currentTarget.value })}
          />
          <Button type="submit">Explain</Button>
        </form>
      </Panel>
      {asked !== undefined && <Answer workspace={workspace} question={asked} />}
    </div>
  )
}

type AnswerProps = { readonly workspace: string; readonly question: AccessQuestion }

function Answer({ workspace, question }: AnswerProps) {
  const { data, error } = useQuery(explanationQuery(workspace, question))
  if (error !== null) return <Refusal error={error} what="this explanation" />
  return data === undefined ? null : <Explained explanation={data} />
}

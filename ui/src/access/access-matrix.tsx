import { UnstyledButton } from '@mantine/core'
import type { EntitlementRow, Entitlements } from '../../../src/schema/entitlement.ts'
import classes from './access-matrix.module.css'
import { ExtentMark } from './extent-mark.tsx'
import { extentWords, verbs } from './extents.ts'

/** A cell of the matrix. */
export type Chosen = { readonly principal: string; readonly kind: string }

/** What an AccessMatrix shows. */
type AccessMatrixProps = {
  readonly entitlements: Entitlements
  readonly chosen: Chosen | undefined
  readonly onChoose: (chosen: Chosen) => void
}

/** Principals down, kinds of things across; four marks in a cell say how far each action goes. */
export function AccessMatrix({ entitlements, chosen, onChoose }: AccessMatrixProps) {
  const { kinds, principals } = entitlements
  return (
    <div className={classes.scroll}>
      <table className={classes.matrix}>
        <thead>
          <tr>
            <th scope="col">Principal</th>
            {kinds.map((kind) => (
              <th key={kind} scope="col" className={classes.kind}>
                <span>{kind.replaceAll('_', ' ')}</span>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {principals.map((row) => (
            <tr key={row.principal.id}>
              <th scope="row">
                <b>{row.principal.name}</b>
                <small>{rolesIn(row)}</small>
              </th>
              {kinds.map((kind) => (
                <td key={kind}>
                  <UnstyledButton
                    className={classes.cell}
                    aria-label={cellWords(row, kind)}
                    aria-pressed={chosen?.principal === row.principal.id && chosen.kind === kind}
                    onClick={() => onChoose({ principal: row.principal.id, kind })}
                  >
                    {verbs.map((verb) => (
                      <ExtentMark key={verb} extent={row.may[kind]?.[verb].extent ?? 'none'} />
                    ))}
                  </UnstyledButton>
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

const rolesIn = ({ roles }: EntitlementRow): string =>
  roles.map(({ name, group }) => (group === undefined ? name : `${name} by ${group}`)).join(', ')

const cellWords = ({ principal, may }: EntitlementRow, kind: string): string => {
  const words = verbs.map((verb) => `${verb} ${extentWords[may[kind]?.[verb].extent ?? 'none']}`)
  return `${principal.name} at ${kind}: ${words.join('; ')}`
}

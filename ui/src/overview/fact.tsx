import { Tooltip, UnstyledButton } from '@mantine/core'
import { IconCircleMinus, IconFilterPlus } from '@tabler/icons-react'
import type { Cell } from '../../../src/schema/answer.ts'
import { formatBytes } from '../parts/format.ts'
import { Masked } from '../parts/masked.tsx'
import type { PageView } from '../view/use-page-view.ts'
import type { DetailFact } from './detail-facts.ts'
import classes from './fact.module.css'

/** What a Fact says. */
type FactProps = {
  readonly fact: DetailFact
  readonly cell: Cell
  readonly maskedBecause: string | undefined
  readonly view: PageView
}

/** One name and its value, with links that filter by it; left out when it is empty and not masked. */
export function Fact({ fact, cell, maskedBecause, view }: FactProps) {
  const { member, title, mono, filter } = fact
  const words = wordsOf(member, cell)
  if (words === '' && maskedBecause === undefined) return null
  return (
    <div className={classes.fact}>
      <dt>{title}</dt>
      <dd data-mono={mono || undefined}>
        {maskedBecause === undefined ? words : <Masked reason={maskedBecause} />}
      </dd>
      {maskedBecause === undefined && filter !== false && (
        <FilterLinks member={member} value={words} view={view} />
      )}
    </div>
  )
}

function wordsOf(member: string, cell: Cell): string {
  if (typeof cell === 'number' && member.endsWith('_bytes')) return formatBytes(cell)
  return Array.isArray(cell) ? cell.join(', ') : String(cell ?? '')
}

type FilterLinksProps = {
  readonly member: string
  readonly value: string
  readonly view: PageView
}

function FilterLinks({ member, value, view }: FilterLinksProps) {
  const choices = [
    { exclude: false, words: 'Only this', Glyph: IconFilterPlus },
    { exclude: true, words: 'Exclude this', Glyph: IconCircleMinus },
  ]
  return (
    <span className={classes.links}>
      {choices.map(({ exclude, words, Glyph }) => (
        <Tooltip key={words} label={words}>
          <UnstyledButton
            aria-label={`${words}: ${member} ${value}`}
            onClick={() => view.toggle({ member, value, exclude })}
          >
            <Glyph size={15} stroke={1.7} />
          </UnstyledButton>
        </Tooltip>
      ))}
    </span>
  )
}

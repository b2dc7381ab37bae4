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
  readonly view: PageView
}

/** One name and its value, with links that filter by it; left out when it is empty. */
export function Fact({ fact, cell, view }: FactProps) {
  const { member, title, mono, filter } = fact
  const words = wordsOf(member, cell)
  if (words === '') return null
  return (
    <div className={classes.fact}>
      <dt>{title}</dt>
      <dd data-mono={mono || undefined}>{words}</dd>
      {filter !== false && <FilterLinks member={member} value={words} view={view} />}
    </div>
  )
}

/** What is masked of a group of facts, in one line with the reason. */
export function MaskedFacts({ facts, reason }: MaskedFactsProps) {
  return (
    <p className={classes.masked}>
      <Masked reason={reason} /> {facts.map(({ title }) => title).join(', ')}
      <small>{reason}</small>
    </p>
  )
}

type MaskedFactsProps = { readonly facts: readonly DetailFact[]; readonly reason: string }

/** Of these, zero means that there was none. */
const noneWhenZero = ['tries', 'upstream_status']

function wordsOf(member: string, cell: Cell): string {
  if (cell === 0 && noneWhenZero.includes(member)) return ''
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

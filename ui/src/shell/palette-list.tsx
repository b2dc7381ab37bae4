import { IconSearch } from '@tabler/icons-react'
import { useNavigate } from '@tanstack/react-router'
import { type KeyboardEvent, useDeferredValue, useEffect, useRef, useState } from 'react'
import classes from './command-palette.module.css'
import { filterEntries } from './filter-entries.ts'
import { type PaletteEntry, usePaletteEntries } from './use-palette-entries.ts'

const listId = 'palette-list'

/** The palette's input and results; arrow keys move, Enter opens. */
export function PaletteList({ onDone }: { readonly onDone: () => void }) {
  const [typed, setTyped] = useState('')
  const [chosen, setChosen] = useState(0)
  const search = useDeferredValue(typed.trim())
  const { entries, isLoading } = usePaletteEntries(search)
  const found = filterEntries(entries, search)
  const at = Math.min(chosen, found.length - 1)
  const go = useRunEntry(onDone)

  const onKeyDown = (event: KeyboardEvent) => {
    const move = { ArrowDown: 1, ArrowUp: -1 }[event.key]
    if (move !== undefined && found.length > 0) {
      event.preventDefault()
      setChosen((at + move + found.length) % found.length)
    } else if (event.key === 'Enter') {
      event.preventDefault()
      go(found[at])
    }
  }

  return (
    <>
      <div className={classes.search}>
        <IconSearch size={17} stroke={1.8} />
        <input
          data-autofocus
          role="combobox"
          aria-expanded
          aria-controls={listId}
          aria-activedescendant={at >= 0 ? `${listId}-${at}` : undefined}
          aria-label="Search pages and objects"
          placeholder="Search services, routes, consumers, pages…"
          value={typed}
          maxLength={256}
          onKeyDown={onKeyDown}
          onChange={(event) => {
            setTyped(event.currentTarget.value)
            setChosen(0)
          }}
        />
      </div>
      {isLoading ? (
        <p className={classes.none}>Searching…</p>
      ) : (
        found.length === 0 && <p className={classes.none}>No results for “{search}”.</p>
      )}
      <Options found={found} at={at} onChoose={go} />
    </>
  )
}

type OptionsProps = {
  readonly found: readonly PaletteEntry[]
  readonly at: number
  readonly onChoose: (entry: PaletteEntry) => void
}

function Options({ found, at, onChoose }: OptionsProps) {
  const list = useRef<HTMLDivElement>(null)
  useEffect(() => {
    list.current?.querySelector('[aria-selected=true]')?.scrollIntoView({ block: 'nearest' })
  }, [at, found])
  return (
    // oxlint-disable-next-line jsx-a11y/prefer-tag-over-role -- HTML has no listbox element for a combobox
    <div className={classes.list} role="listbox" id={listId} ref={list} aria-label="Results">
      {found.map((entry, index) => (
        <PaletteOption
          key={entry.id}
          entry={entry}
          id={`${listId}-${index}`}
          isChosen={index === at}
          startsGroup={entry.group !== found[index - 1]?.group}
          onChoose={() => onChoose(entry)}
        />
      ))}
    </div>
  )
}

/** Opens the page of an entry, or runs its command. */
function useRunEntry(onDone: () => void) {
  const navigate = useNavigate()
  return (entry: PaletteEntry | undefined) => {
    if (entry === undefined) return
    onDone()
    if (entry.run !== undefined) entry.run()
    else void navigate({ to: entry.to ?? '/', search: entry.search ?? {} })
  }
}

type PaletteOptionProps = {
  readonly entry: PaletteEntry
  readonly id: string
  readonly isChosen: boolean
  readonly startsGroup: boolean
  readonly onChoose: () => void
}

/** A result, under the title of its group when it is the first one. */
function PaletteOption(props: PaletteOptionProps) {
  const { entry, id, isChosen, startsGroup, onChoose } = props
  const { icon: Glyph, title, group, aside } = entry
  return (
    <>
      {startsGroup && (
        <p className={classes.group} role="presentation">
          {group}
        </p>
      )}
      {/* oxlint-disable-next-line jsx-a11y/click-events-have-key-events -- the combobox handles keys */}
      <div
        id={id}
        // oxlint-disable-next-line jsx-a11y/prefer-tag-over-role -- not inside a select
        role="option"
        tabIndex={-1}
        aria-selected={isChosen}
        className={classes.option}
        onClick={onChoose}
      >
        <Glyph size={17} stroke={1.7} />
        <b>{title}</b>
        <small>{aside}</small>
      </div>
    </>
  )
}

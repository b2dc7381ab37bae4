import classes from './command-palette.module.css'
import type { PaletteEntry } from './use-palette-entries.ts'

/** What a PaletteOption shows. */
type PaletteOptionProps = {
  readonly entry: PaletteEntry
  readonly id: string
  readonly isChosen: boolean
  readonly startsGroup: boolean
  readonly onChoose: () => void
}

/** One thing the palette found, under the title of its group when it is the first. */
export function PaletteOption(props: PaletteOptionProps) {
  const { entry, id, isChosen, startsGroup, onChoose } = props
  const { icon: Glyph, title, group, aside } = entry
  return (
    <>
      {startsGroup && (
        <p className={classes.group} role="presentation">
          {group}
        </p>
      )}
      {/* oxlint-disable-next-line jsx-a11y/click-events-have-key-events -- the combobox has the keys */}
      <div
        id={id}
        // oxlint-disable-next-line jsx-a11y/prefer-tag-over-role -- the list is no select
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

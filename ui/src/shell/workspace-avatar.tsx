import classes from './workspace-avatar.module.css'

/** A small square by which a workspace is told apart: the letters that differ, in a hue of its own. */
export function WorkspaceAvatar({ name }: { readonly name: string }) {
  return (
    <span
      className={classes.seal}
      style={{ '--hue': hueOf(name) } as React.CSSProperties}
      aria-hidden="true"
    >
      {lettersOf(name)}
    </span>
  )
}

/** The first capital and the last one or digit: ProductX and ProductY become PX and PY. */
function lettersOf(name: string): string {
  const capitals = name.match(/[\p{Lu}\d]/gu) ?? []
  const first = name.at(0)?.toUpperCase() ?? '?'
  const last = capitals.length > 1 ? capitals.at(-1) : undefined
  return first + (last ?? name.at(1)?.toLowerCase() ?? '')
}

function hueOf(name: string): number {
  let sum = 0
  for (const letter of name) sum = (sum * 31 + (letter.codePointAt(0) ?? 0)) % 3600
  return (sum * 47) % 360
}

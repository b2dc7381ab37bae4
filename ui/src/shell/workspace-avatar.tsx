import classes from './workspace-avatar.module.css'

/** Initials of a workspace on a background derived from its name. */
export function WorkspaceAvatar({ name }: { readonly name: string }) {
  return (
    <span
      className={classes.avatar}
      style={{ '--hue': hueFor(name) } as React.CSSProperties}
      aria-hidden="true"
    >
      {initials(name)}
    </span>
  )
}

/** The first letter and the last capital or digit: ProductX and ProductY become PX and PY. */
function initials(name: string): string {
  const capitals = name.match(/[\p{Lu}\d]/gu) ?? []
  const first = name.at(0)?.toUpperCase() ?? '?'
  const last = capitals.length > 1 ? capitals.at(-1) : undefined
  return first + (last ?? name.at(1)?.toLowerCase() ?? '')
}

function hueFor(name: string): number {
  let sum = 0
  for (const letter of name) sum = (sum * 31 + (letter.codePointAt(0) ?? 0)) % 3600
  return (sum * 47) % 360
}

/** A function of a value that never changes, which is worked out once for as long as the value is held. */
export function oncePer<Value extends object, Made>(make: (value: Value) => Made) {
  const known = new WeakMap<Value, { readonly made: Made }>()
  return (value: Value): Made => {
    const found = known.get(value)
    if (found !== undefined) return found.made
    const made = make(value)
    known.set(value, { made })
    return made
  }
}

/** placeholder */
export function EntityPage() {
  return null
}

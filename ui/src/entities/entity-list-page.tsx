/** placeholder */
export function EntityListPage() {
  return null
}

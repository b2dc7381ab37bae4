/** Text as a name: lower case letters, digits and dashes. */
export const slug = (text: string): string =>
  text
    .normalize('NFKD')
    .toLowerCase()
    .replaceAll(/[^a-z0-9._~]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')

const key = 'weir.csrf-token'

/** The token of the session, which only pages of this origin can read; '' when signed out. */
export const readCsrfToken = (): string => localStorage.getItem(key) ?? ''

export const writeCsrfToken = (token: string): void => localStorage.setItem(key, token)

const methods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE'])

/** Whether doing it twice is as good as doing it once (RFC 9110 section 9.2.2). */
export const isIdempotent = (method: string): boolean => methods.has(method)

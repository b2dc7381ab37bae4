/** The four actions in the order of the cells. */
export const verbs = ['create', 'read', 'update', 'delete'] as const

/** How far an action goes, in words. */
export const extentWords = { all: 'all', some: 'some, by name', none: 'none' } as const

/** How far an action goes. */
export type Extent = keyof typeof extentWords

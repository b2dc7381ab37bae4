/** The workspace of paths without a workspace prefix. It always exists and cannot be deleted. */
export const defaultWorkspace = {
  id: '0dc6f45b-8f8d-40d2-a504-473544ee190b',
  name: 'default',
} as const

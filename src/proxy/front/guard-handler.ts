/** Wraps the handler of an event: an error that nothing else catches would end the worker with all its connections. */
export const guardHandler =
  <Args extends unknown[]>(handle: (...args: Args) => void, fail: (error: unknown) => void) =>
  (...args: Args): void => {
    try {
      handle(...args)
    } catch (error) {
      fail(error)
    }
  }

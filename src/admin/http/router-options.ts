/** How paths of the Admin API and of the Manager are compared with those of routes. */
export const routerOptions = {
  ignoreTrailingSlash: true,
  ignoreDuplicateSlashes: true,
  maxParamLength: 4096,
}

/** Fastify router options of the Admin API and of the Manager. */
export const routerOptions = {
  ignoreTrailingSlash: true,
  ignoreDuplicateSlashes: true,
  maxParamLength: 4096,
}

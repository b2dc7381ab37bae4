import { createServer } from 'node:http'

// An upstream that a soak may kill at any moment: small answers, large ones, slow ones and uploads.
const server = createServer((request, response) => {
  const { url = '' } = request
  request.resume()
  if (url.endsWith('/large')) response.end(Buffer.alloc(100_000, 'x'))
  else if (url.endsWith('/slow')) setTimeout(() => response.end('slow'), 20)
  else response.end('small')
})
server.keepAliveTimeout = 600_000
server.listen(Number(process.argv[2]), '127.0.0.1')

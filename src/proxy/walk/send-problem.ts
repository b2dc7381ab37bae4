import { toProblem, type Problem } from '../../lib/problem.ts'
import type { Exchange } from '../exchange.ts'
import { isGrpc, sendGrpcProblem } from './send-grpc-problem.ts'
import { HeaderList } from '../header-list.ts'

/** Turns whatever was thrown into an answer in Kong's form, and gives back how to send it; once a part of another answer is out, that is to break off. */
export function sendProblem(error: unknown, exchange: Exchange): () => void {
  const problem = toProblem(error)
  exchange.refuse(
    problem.status < 500 && problem.status !== 499 ? 'denied' : 'failed',
    stepOf(problem),
    problem,
  )
  if (exchange.begun || exchange.left) {
    if (!exchange.begun) exchange.status = 499
    return () => exchange.reply.abort()
  }
  exchange.status = problem.status
  if (isGrpc(exchange.request)) return sendGrpcProblem(problem, exchange)
  const { type, body } = render(problem, exchange)
  const bytes = Buffer.from(body)
  const headers = new HeaderList([...exchange.answerHeaders.flat])
  for (const [name, value] of Object.entries(problem.headers)) headers.set(name, value)
  headers.set('Content-Type', type)
  headers.set('Content-Length', String(bytes.length))
  headers.set('X-Kong-Request-Id', exchange.id)
  headers.set('Server', 'weir')
  exchange.responseBytes = exchange.request.method === 'HEAD' ? 0 : bytes.length
  return () => {
    exchange.reply.begin(problem.status, headers)
    exchange.reply.finish(exchange.request.method === 'HEAD' ? undefined : bytes)
  }
}

/** Which step of the walk a code belongs to, for refusals that no plugin made. */
const stepOf = (problem: Problem): string =>
  problem.code.startsWith('route.') ? 'router' : 'gateway'

type Rendered = { readonly type: string; readonly body: string }

function render(problem: Problem, exchange: Exchange): Rendered {
  const ready = problem.detail['answer'] as Rendered | undefined
  if (ready !== undefined) return ready
  const { message } = problem
  const accept = exchange.request.headers.get('accept') ?? ''
  if (accept.startsWith('text/plain'))
    return { type: 'text/plain; charset=utf-8', body: `${message}\nrequest_id: ${exchange.id}\n` }
  if (/^(application|text)\/xml/.test(accept)) {
    return {
      type: 'application/xml; charset=utf-8',
      body: `<?xml version="1.0" encoding="UTF-8"?>\n<error>\n  <message>${escapeMarkup(message)}</message>\n  <requestid>${exchange.id}</requestid>\n</error>\n`,
    }
  }
  if (accept.startsWith('text/html')) {
    return {
      type: 'text/html; charset=utf-8',
      body: `<!doctype html>\n<title>${problem.status}</title>\n<h1>${escapeMarkup(message)}</h1>\n<p>Request id: ${exchange.id}</p>\n`,
    }
  }
  return {
    type: 'application/json; charset=utf-8',
    body: JSON.stringify({ message, request_id: exchange.id }),
  }
}

const escapeMarkup = (text: string): string =>
  text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')

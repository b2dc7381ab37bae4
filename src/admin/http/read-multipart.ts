import { everySteps, type CooperativeTask } from '../../lib/cooperative-task.ts'
import { Problem } from '../../lib/problem.ts'
import { formLimits } from './body-limits.ts'
import { tooManyFields } from './read-form.ts'

/** Delimiter candidates between two suspensions. */
const batchSize = 2_000

/**
 * The fields of a form (RFC 7578), those of files too: certificates and documents are sent as `-F cert=@cert.pem`.
 * Linear in the size of the body; throws a 400 for a malformed form and beyond `formLimits`.
 */
export function* readMultipart(type: string, body: Buffer): CooperativeTask<[string, string][]> {
  const [, quoted, plain] = /;\s*boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))/i.exec(type) ?? []
  const delimiter = Buffer.from(`\r\n--${quoted ?? plain ?? ''}`)
  const fields: [string, string][] = []
  const isAtStart = body.subarray(0, delimiter.length - 2).equals(delimiter.subarray(2))
  let at = isAtStart ? -2 : yield* findDelimiter(body, delimiter, 0)
  while (at !== undefined) {
    const start = at + delimiter.length
    if (body.toString('latin1', start, start + 2) === '--') return fields
    at = yield* findDelimiter(body, delimiter, start)
    if (at === undefined) break
    if (fields.length === formLimits.fields) throw tooManyFields()
    fields.push(readPart(body.subarray(start, at)))
  }
  throw malformed()
}

/** Compares at each line that begins with two dashes, because a search for the whole delimiter costs its length for each byte of dashes. */
function* findDelimiter(
  body: Buffer,
  delimiter: Buffer,
  from: number,
): CooperativeTask<number | undefined> {
  const pause = everySteps(batchSize)
  let at = body.indexOf('\r\n--', from, 'latin1')
  while (at >= 0 && !body.subarray(at, at + delimiter.length).equals(delimiter)) {
    yield* pause()
    at = body.indexOf('\r\n--', at + 4, 'latin1')
  }
  return at < 0 ? undefined : at
}

/** A part with the line break before its headers. */
function readPart(part: Buffer): [string, string] {
  const end = part.subarray(0, formLimits.partHeadBytes).indexOf('\r\n\r\n')
  const head = part.toString('utf8', 0, Math.max(0, end))
  const [disposition] = /^content-disposition: *form-data *;.*/im.exec(head) ?? ['']
  const name = /; *name="([^"]*)"/i.exec(disposition)?.[1]
  if (name === undefined) throw malformed()
  // Browsers escape the three characters that would end the name.
  const unescaped = name.replaceAll(/%22|%0D|%0A/gi, decodeURIComponent)
  return [unescaped, part.toString('utf8', end + 4)]
}

const malformed = (): Problem => new Problem('admin.form', 400, 'Cannot parse form body')

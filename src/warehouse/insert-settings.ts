import { Problem } from '../lib/problem.ts'

/** 400 when the engine refuses the rows whenever they are sent. Its message may quote data, so only the cause contains it. */
export function insertProblem(cause: unknown): Problem {
  const text = cause instanceof Error ? cause.message : ''
  const type = (cause as { readonly type?: unknown }).type ?? /\(([A-Z][A-Z\d_]+)\)/.exec(text)?.[1]
  return typeof type === 'string' && refusals.has(type)
    ? new Problem('warehouse.refused', 400, `The warehouse refuses the rows: ${type}.`, { cause })
    : new Problem('warehouse.insert', 503, 'The warehouse could not store the batch.', { cause })
}

/** Errors of ClickHouse for invalid rows. */
const refusals: ReadonlySet<string> = new Set([
  'ARGUMENT_OUT_OF_BOUND',
  'ATTEMPT_TO_READ_AFTER_EOF',
  'CANNOT_CONVERT_TYPE',
  'CANNOT_INSERT_VALUE_OF_DIFFERENT_SIZE_INTO_TUPLE',
  'CANNOT_PARSE_DATETIME',
  'CANNOT_PARSE_NUMBER',
  'CANNOT_PARSE_TEXT',
  'CANNOT_PARSE_UUID',
  'CANNOT_READ_ALL_DATA',
  'DECIMAL_OVERFLOW',
  'INCORRECT_DATA',
  'SIZES_OF_ARRAYS_DONT_MATCH',
  'TOO_LARGE_ARRAY_SIZE',
  'TOO_LARGE_STRING_SIZE',
  'TYPE_MISMATCH',
  'VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE',
  'VIOLATED_CONSTRAINT',
])

/**
 * The settings of an INSERT that stores its rows as a single block, with its id as the deduplication token: the table
 * holds them once or not at all, however often they are sent.
 */
export function insertSettings(id: string): string {
  if (!/^[\w.:-]{1,200}$/.test(id))
    throw new Problem(
      'warehouse.id',
      400,
      'A batch id is 1 to 200 letters, digits, dots, colons, dashes or underscores.',
    )
  return `insert_deduplication_token = '${id}', ${settings}`
}

// A block ends at its row limit and, with parallel parsing, wherever a thread stops. Either would split the batch.
const settings = Object.entries({
  input_format_parallel_parsing: 0,
  max_threads: 1,
  max_insert_threads: 1,
  max_block_size: 100_000_000,
  max_insert_block_size: 100_000_000,
  min_insert_block_size_rows: 100_000_000,
  min_insert_block_size_bytes: 10_000_000_000,
  input_format_skip_unknown_fields: 0,
  input_format_null_as_default: 0,
  input_format_allow_errors_num: 0,
  max_partitions_per_insert_block: 0,
  async_insert: 0,
  insert_deduplicate: 1,
})
  .map(([name, value]) => `${name} = ${value}`)
  .join(', ')

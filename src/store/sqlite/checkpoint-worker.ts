import { DatabaseSync } from 'node:sqlite'
import { workerData } from 'node:worker_threads'

// PASSIVE does not block readers and writers.
const connection = new DatabaseSync(workerData as string)
connection.exec('PRAGMA synchronous = FULL; PRAGMA wal_checkpoint(PASSIVE)')
connection.close()

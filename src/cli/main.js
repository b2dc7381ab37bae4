#!/usr/bin/env node
import { constants, enableCompileCache } from 'node:module'
import { resolve } from 'node:path'

// JavaScript, because a TypeScript file before the cache makes Node load its type stripper: 50 ms and 14 MB.
// Node compiles static imports before it runs a statement, so the modules to cache are imported afterwards.
// Only users who may change the program can write the directory; for others there is no cache.
const directory = resolve(import.meta.dirname, '../../node_modules/.cache/weir')
// Portable: copies of the program that share their packages share the entries.
const { status } = enableCompileCache({ directory, portable: true })
if (status === constants.compileCacheStatus.ENABLED) {
  const { setCompileCache } = await import('./environment.ts')
  setCompileCache(directory)
}
const { runProgram } = await import('./program.ts')
await runProgram()

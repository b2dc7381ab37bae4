#!/usr/bin/env node
import { constants, enableCompileCache } from 'node:module'
import { resolve } from 'node:path'

// JavaScript, because Node loads what strips types for a file that comes before the cache: 50 ms and 14 MB.
// Node compiles static imports before it runs a statement, so what the cache is for is imported afterwards.
// The directory belongs to those who may change the program. Without write permission there is no cache.
const directory = resolve(import.meta.dirname, '../../node_modules/.cache/weir')
// Portable: copies of the program that share their packages share the entries.
const { status } = enableCompileCache({ directory, portable: true })
if (status === constants.compileCacheStatus.ENABLED) {
  const { setCompileCache } = await import('./environment.ts')
  setCompileCache(directory)
}
const { runProgram } = await import('./program.ts')
await runProgram()

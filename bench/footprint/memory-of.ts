import { readFileSync } from 'node:fs'
import { familyOf, titleOf } from '../processes.ts'

/** Memory in megabytes: resident, resident with shared pages divided by those who share them, and without pages of files. */
export type Memory = { readonly rss: number; readonly pss: number; readonly anonymous: number }

/** The memory of a process and its descendants, under '' of all of them, and that of each under its title where there are processes of Weir. */
export function memoryOf(pid: number): ReadonlyMap<string, Memory> {
  const all = familyOf(pid).map((found) => [roleOf(found, pid), readMemory(found)] as const)
  const isWeir = all.some(([role]) => role.startsWith('weir '))
  const groups = Map.groupBy(all, ([role]) => role)
  return new Map([
    ['', sum(all.map(([, memory]) => memory))],
    ...(isWeir
      ? [...groups].map(([role, each]) => [role, sum(each.map(([, memory]) => memory))] as const)
      : []),
  ])
}

const roleOf = (pid: number, root: number): string => (pid === root ? 'launcher' : titleOf(pid))

const sum = (all: readonly Memory[]): Memory => ({
  rss: all.reduce((total, { rss }) => total + rss, 0),
  pss: all.reduce((total, { pss }) => total + pss, 0),
  anonymous: all.reduce((total, { anonymous }) => total + anonymous, 0),
})

/** proc(5), /proc/pid/smaps_rollup: kilobytes of 1024 bytes. */
function readMemory(pid: number): Memory {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')
  const read = (name: string): number =>
    (Number(new RegExp(`^${name}: +(\\d+)`, 'm').exec(text)?.[1] ?? 0) * 1_024) / 1e6
  return { rss: read('Rss'), pss: read('Pss'), anonymous: read('Anonymous') }
}

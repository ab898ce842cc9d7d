import { execFile } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { identifyProcess, type ProcessIdentity } from '@cidadao/postgres-server'

/** The children of a process, as a server with one process a connection has them. */
export async function childrenOf(pid: number): Promise<ProcessIdentity[]> {
  const pairs = process.platform === 'linux' ? await pairsFromProc() : await pairsFromPs()
  const children = pairs.filter(([, parent]) => parent === pid).map(([child]) => identifyProcess(child))
  return children.filter((child) => child !== undefined)
}

type ChildAndParent = readonly [child: number, parent: number]

async function pairsFromProc(): Promise<ChildAndParent[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const pairs = await Promise.all(pids.map(async (pid): Promise<ChildAndParent> => [Number(pid), await parentOf(pid)]))
  return pairs
}

/** 0 for a process that ended while we looked: nobody's child. */
async function parentOf(pid: string): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1] ?? 0)
}

async function pairsFromPs(): Promise<ChildAndParent[]> {
  const { stdout } = await promisify(execFile)('ps', ['-A', '-o', 'pid=,ppid='])
  return stdout
    .trim()
    .split('\n')
    .map((line): ChildAndParent => {
      const [child, parent] = line.trim().split(/\s+/).map(Number)
      return [child ?? 0, parent ?? 0]
    })
}

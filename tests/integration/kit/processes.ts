// What a process leaves behind, read from /proc: children that outlive it, descriptors that pile up.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { strict as assert } from 'node:assert';
import { eventually } from './wait.js';

export interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly name: string;
  /** Clock ticks since boot: tells a process from a later one with the same number. */
  readonly started: string;
}

function read(pid: number): Process | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const end = stat.lastIndexOf(')');
    const fields = stat.slice(end + 2).split(' ');
    if (fields[0] === 'Z' || fields[0] === 'X') return undefined;
    return { pid, name: stat.slice(stat.indexOf('(') + 1, end), parent: Number(fields[1]), started: fields[19] ?? '' };
  } catch {
    return undefined;
  }
}

/** Every living descendant of `pid`. */
export function descendants(pid: number): Process[] {
  const all = readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map((name) => read(Number(name)));
  const found: Process[] = [];
  const parents = new Set([pid]);
  for (let grew = true; grew;) {
    grew = false;
    for (const process of all) {
      if (process === undefined || parents.has(process.pid) || !parents.has(process.parent)) continue;
      parents.add(process.pid);
      found.push(process);
      grew = true;
    }
  }
  return found;
}

export function isAlive(process: Process): boolean {
  return read(process.pid)?.started === process.started;
}

/** Open descriptors of a process; undefined where we may not look (another user's, or one that is not dumpable). */
export function descriptorCount(pid: number): number | undefined {
  try {
    return readdirSync(`/proc/${pid}/fd`).length;
  } catch {
    return undefined;
  }
}

/** How many descriptors of each kind a process has. */
export function descriptorKinds(pid: number): Record<string, number> {
  const kinds: Record<string, number> = {};
  for (const fd of readdirSync(`/proc/${pid}/fd`)) {
    try {
      const kind = readlinkSync(`/proc/${pid}/fd/${fd}`).replace(/[0-9]+/g, '').replace(/^\/.*/, 'file');
      kinds[kind] = (kinds[kind] ?? 0) + 1;
    } catch {
      continue;  // closed meanwhile
    }
  }
  return kinds;
}

/**
 * Waits until a process has no more descriptors of any kind than it had. Fewer is well: a client may have been leaving
 * when `before` was taken.
 */
export async function noMoreDescriptors(pid: number, before: Record<string, number>): Promise<void> {
  const grown = (): Record<string, number> =>
    Object.fromEntries(Object.entries(descriptorKinds(pid)).filter(([kind, count]) => count > (before[kind] ?? 0)));
  await eventually('as many descriptors as before', () => Object.keys(grown()).length === 0)
    .catch(() => assert.deepEqual(grown(), {}, `before: ${JSON.stringify(before)}`));
}

/** Resident memory in bytes. */
export function residentBytes(pid: number): number {
  const line = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(line?.[1] ?? 0) * 1024;
}

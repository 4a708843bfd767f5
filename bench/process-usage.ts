import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { median } from './statistics.ts';

/** Linux only: it reads /proc. */
const TICKS_PER_SECOND = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

/** Resident memory now. */
function residentKib(pid: number): number {
  const [, kib] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kib);
}

/** User and system time so far. */
function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // the name before it stands in parentheses and may hold spaces
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

export interface Usage {
  /** The median of the looks. */
  readonly rssKib: number;
  readonly looksKib: readonly number[];
  /** Of one core. */
  readonly cpuPercent: number;
}

/** Watches a process for so long, with a look at its memory each second. A span is what is measured here, not a hope that something is done by then. */
export async function watchUsage(pid: number, seconds: number): Promise<Usage> {
  const [fromMs, fromCpu] = [performance.now(), cpuSeconds(pid)];
  const looksKib: number[] = [];
  for (let look = 0; look < seconds; look += 1) {
    await sleep(1_000);
    looksKib.push(residentKib(pid));
  }
  const elapsedSeconds = (performance.now() - fromMs) / 1_000;
  const cpuPercent = (100 * (cpuSeconds(pid) - fromCpu)) / elapsedSeconds;
  return { rssKib: median(looksKib), looksKib, cpuPercent };
}

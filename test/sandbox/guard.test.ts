import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { isAlive, spawnGuarded } from '../../sandbox/guard.ts';

const GUARD = new URL('../../sandbox/guard.ts', import.meta.url).href;

/** Runs a module that prints pids as JSON, and answers them with the process. */
async function runModule(
  source: string,
): Promise<{ readonly process: ChildProcess; readonly pids: readonly number[] }> {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', source], {
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  for await (const line of createInterface({ input: child.stdout })) return { process: child, pids: JSON.parse(line) };
  throw new Error('it printed no pids');
}

async function allGone(pids: readonly number[], withinMs = 5_000): Promise<boolean> {
  const deadlineMs = Date.now() + withinMs;
  while (pids.some(isAlive) && Date.now() < deadlineMs) await sleep(20);
  return !pids.some(isAlive);
}

/** A child that ignores SIGTERM and has a child of its own. */
const STUBBORN = `trap "" TERM; sleep 300 & echo $!; wait`;

describe('guarding a process group', () => {
  const source = `
    import { spawn } from 'node:child_process';
    import { guardOwnGroup } from '${GUARD}';
    const guard = guardOwnGroup();
    const child = spawn('/bin/sh', ['-c', ${JSON.stringify(STUBBORN)}], { stdio: ['ignore', 'pipe', 'inherit'] });
    child.stdout.once('data', (pid) => console.log(JSON.stringify([process.pid, guard.pid, child.pid, Number(pid)])));
    setInterval(() => {}, 1000);`;

  it('leaves nothing alive when its leader is killed', async () => {
    const { process: leader, pids } = await runModule(source);
    assert.ok(pids.every(isAlive));
    leader.kill('SIGKILL');
    assert.ok(await allGone(pids));
  });

  it('does not end at the signals of a terminal', async () => {
    const { process: leader, pids } = await runModule(source);
    const guard = pids[1] ?? 0;
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.kill(guard, signal);
    leader.kill('SIGKILL');
    assert.ok(await allGone(pids));
  });
});

describe('spawning a guarded command', () => {
  it('kills it and its children when the caller is killed', async () => {
    const { process: caller, pids } = await runModule(`
      import { spawnGuarded } from '${GUARD}';
      const child = spawnGuarded('/bin/sh', ['-c', ${JSON.stringify(STUBBORN)}]);
      child.stdout.once('data', (pid) => console.log(JSON.stringify([child.pid, Number(pid)])));`);
    assert.ok(pids.every(isAlive));
    caller.kill('SIGKILL');
    assert.ok(await allGone(pids));
  });

  it('kills the children that a command leaves behind', async () => {
    const child = spawnGuarded('/bin/sh', ['-c', 'sleep 300 >/dev/null 2>&1 & echo $!']);
    const [[pid]] = await Promise.all([once(child.stdout ?? child, 'data'), once(child, 'exit')]);
    assert.ok(await allGone([Number(pid)]));
  });

  it('passes output and exit code on', async () => {
    const child = spawnGuarded('/bin/sh', ['-c', 'echo said; exit 7']);
    const [[output], [code]] = await Promise.all([once(child.stdout ?? child, 'data'), once(child, 'exit')]);
    assert.equal(`${output}`, 'said\n');
    assert.equal(code, 7);
  });
});

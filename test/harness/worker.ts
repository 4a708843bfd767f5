import { writeFileSync } from 'node:fs';
import type { Ports } from '../../activities/ports.ts';
import { readWorkerConfig } from '../../worker/config.ts';
import { startWorker } from '../../worker/main.ts';

/**
 * The worker as it ships, and one thing more: KILL_AT=<port>.<method>:<n> makes it die by SIGKILL after the
 * n-th such call took effect and before anybody heard of it. KILL_MARK names a file that is written just before,
 * so that a test which never reached its kill point fails.
 */
const { KILL_AT: at, KILL_MARK: mark } = process.env;

function mortal(ports: Ports): Ports {
  if (at === undefined || mark === undefined) return ports;
  const [, port = '', method = '', count = '1'] = /^(\w+)\.(\w+):(\d+)$/.exec(at) ?? [];
  let calls = 0;
  const whole = ports as unknown as Readonly<
    Record<string, Readonly<Record<string, (...args: readonly unknown[]) => Promise<unknown>>>>
  >;
  const act = whole[port]?.[method];
  if (act === undefined) throw new Error(`KILL_AT=${at} names no port and method`);
  const dying = async (...args: readonly unknown[]) => {
    const answer = await act(...args);
    calls += 1;
    if (calls === Number(count)) {
      writeFileSync(mark, at);
      process.kill(process.pid, 'SIGKILL');
    }
    return answer;
  };
  return { ...ports, [port]: { ...whole[port], [method]: dying } };
}

const worker = await startWorker(readWorkerConfig(process.env), mortal);
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => worker.stop());
await worker.done;

import { flushCompileCache } from 'node:module';
import type { Ports } from '../../activities/ports.ts';
import { readWorkerConfig } from '../../worker/config.ts';
import { startWorker, type Around } from '../../worker/main.ts';
import { mortal, mortalOnceEach, readBoundaries, readKillPoint } from './mortal.ts';

/**
 * The worker as it ships, and one thing more: KILL_AT names a point at which it dies by SIGKILL. KILL_MARK names a file
 * that is written just before, so that a test which never reached its kill point fails. Or KILL_EACH names boundaries, at
 * each of which it dies once, and KILL_MARK the list of its deaths.
 */
function aroundOf({ KILL_AT: at, KILL_EACH: each, KILL_MARK: mark }: NodeJS.ProcessEnv): Around {
  if (each !== undefined && mark !== undefined)
    return { activities: (activities) => mortalOnceEach(activities, readBoundaries(each), mark) };
  if (at === undefined || mark === undefined) return {};
  const point = readKillPoint(at);
  const [port, method] = point.name.split('.');
  if (method === undefined) return { activities: (activities) => mortal(activities, point, mark) };
  return {
    ports: (ports) => ({
      ...ports,
      [port as keyof Ports]: mortal(ports[port as keyof Ports], { ...point, name: method }, mark),
    }),
  };
}

const worker = await startWorker(readWorkerConfig(process.env), aroundOf(process.env));
// one that is killed does not write at its end what it has compiled
flushCompileCache();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => worker.stop());
await worker.done;

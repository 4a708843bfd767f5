import { join } from 'node:path';
import type { Lane } from '../../test/harness/lane.ts';
import { startWorkerProcess, type WorkerProcess } from '../worker-process.ts';

const WORKER = join(import.meta.dirname, 'worker.ts');

/** A worker as one would write it first, in a process of its own. */
export function startNaiveWorker({ surroundings, directory }: Lane): Promise<WorkerProcess> {
  return startWorkerProcess(WORKER, surroundings, join(directory, 'naive.log'), []);
}

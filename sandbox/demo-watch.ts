import { setTimeout as sleep } from 'node:timers/promises';
import type { Cli, Running } from './demo-cli.ts';
import { ActEnded, seconds, show } from './demo-steps.ts';

/** Waits, and looks meanwhile after what the demo stands on. */
export interface Watch {
  /** Until that time, or until it is so, or until all runs are over: answers whether it is so. */
  until(atMs: number, isSo?: () => boolean | Promise<boolean>): Promise<boolean>;
  /** One run more that is waited for. */
  follow(run: Running): void;
  areAllOver(): boolean;
}

interface LookedAfter {
  readonly cli: Cli;
  /** Absent: one that ran before the demo. */
  readonly sandbox: Running | undefined;
  readonly worker: Running;
  readonly name: string;
  readonly run: Running;
  /** Of that run: it tells whether another worker answers. */
  readonly runId: string;
  /** A worker that ended has so long to be replaced: the runs themselves lose nothing. */
  readonly graceMs: number;
}

const LOOK_EVERY_MS = 100;

export function createWatch({ cli, sandbox, worker, name, run, runId, graceMs }: LookedAfter): Watch {
  const runs = [run];
  let giveUpMs: number | undefined;
  const areAllOver = () => runs.every((one) => one.isOver());

  async function lookAfterWorker(): Promise<void> {
    if (!worker.isOver()) return;
    if (giveUpMs === undefined) {
      giveUpMs = Date.now() + graceMs;
      cli.say(
        `\nthe worker has ended. The run has lost nothing and goes on with a new one within ${seconds(graceMs)}:\n  eval "$(headroom sandbox env --name ${name})" && headroom worker\n`,
      );
    }
    if (Date.now() < giveUpMs) return;
    if ((await show(cli, runId)).workerAnswers) {
      giveUpMs = Number.POSITIVE_INFINITY;
      return;
    }
    await cli.run(['show', runId]);
    throw new ActEnded('the worker is not answering, so that nobody takes the run further');
  }

  return {
    follow: (one) => void runs.push(one),
    areAllOver,
    async until(atMs, isSo = () => false) {
      while (Date.now() < atMs && !areAllOver()) {
        if (await isSo()) return true;
        if (sandbox?.isOver() === true) throw new ActEnded('the sandbox has ended');
        await lookAfterWorker();
        await sleep(LOOK_EVERY_MS);
      }
      return false;
    },
  };
}

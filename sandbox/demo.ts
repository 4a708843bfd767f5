import { setTimeout as sleep } from 'node:timers/promises';
import { createCli, type Cli, type Running } from './demo-cli.ts';
import { readLoadSeen } from './demo-load.ts';
import {
  ActEnded,
  clock,
  preScaleCommand,
  readEnvironment,
  RUN,
  seconds,
  setLoad,
  show,
  startSandbox,
  startWorker,
  windowFrom,
} from './demo-steps.ts';
import { judgeDemo } from './demo-verdict.ts';

export interface DemoOptions {
  readonly name: string;
  /** Until the event starts; it lasts twice as long. */
  readonly clockMs: number;
}

/** Three pods serve the first at ease and would drown in the last; six do not. */
const RPS = { quiet: 100, rising: 200, peak: 300 };

/** Quiet, winding down and the way back take under a minute of this after the event; the whole act is to stay under four. */
const AFTER_EVENT_MS = 100_000;

/** Plays the whole pre-scale and answers the exit code: 0 when it ended as it should. */
export async function runDemo(options: DemoOptions): Promise<number> {
  const cli = createCli();
  const interrupted = new Promise<'interrupted'>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => resolve('interrupted'));
  });
  try {
    const outcome = await Promise.race([play(cli, options), interrupted]);
    if (outcome === 'interrupted') return 130;
    if (process.stdout.isTTY) {
      cli.say('\nit all stays up for you to look around; Ctrl-C stops it');
      await interrupted;
    }
    return outcome;
  } catch (error) {
    cli.say(`\nthe demo did not get to its end: ${error instanceof Error ? error.message : String(error)}`);
    return 1;
  } finally {
    cli.say('stopping what the demo started');
    await cli.stopAll();
  }
}

async function play(cli: Cli, { name, clockMs }: DemoOptions): Promise<number> {
  const startedMs = Date.now();
  const sandbox = await startSandbox(cli, name);
  const environment = await readEnvironment(cli, name);
  cli.setEnvironment(environment);
  await setLoad(cli, name, RPS.quiet);
  const worker = await startWorker(cli, name);

  const event = windowFrom(Date.now(), clockMs);
  cli.say(`\nthe first step of the run, ${seconds(Date.now() - startedMs)} after the start`);
  cli.say(`the event's traffic comes at ${clock(event.startMs)} and goes at ${clock(event.endMs)}`);
  const run = cli.start(preScaleCommand(event, clockMs), { quiet: true });
  const wait = createWait({ cli, sandbox, run, worker, name, graceMs: clockMs });

  await wait(event.startMs);
  if (run.isOver()) throw new ActEnded('its pre-scale ended before the event began');
  const atStart = await show(cli);
  await setLoad(cli, name, RPS.rising);
  await wait(event.startMs + clockMs / 3);
  await setLoad(cli, name, RPS.peak);
  await wait(event.endMs);
  await setLoad(cli, name, RPS.quiet);
  await wait(event.endMs + AFTER_EVENT_MS);
  if (!run.isOver()) cli.say(`the run has not ended ${seconds(AFTER_EVENT_MS)} after its event: nobody waits longer`);

  cli.say('');
  await cli.run(['show', RUN]);
  const atEnd = await show(cli);
  const load = await readLoadSeen(environment['HEADROOM_PROMETHEUS_URL'] ?? '', event);
  const proofs = judgeDemo({ atStart, atEnd, load });
  cli.say(`\n${proofs.map(({ holds, text }) => `  ${holds ? 'yes' : 'NO '}  ${text}`).join('\n')}`);
  cli.say(whereToLook(environment));
  cli.say(`the whole act took ${seconds(Date.now() - startedMs)}`);
  return proofs.every(({ holds }) => holds) ? 0 : 1;
}

/**
 * Answers a wait that ends at its time, or before when the run is over. A worker that ends meanwhile is said to have,
 * and gets `graceMs` to be replaced: the run itself has lost nothing.
 */
function createWait({
  cli,
  sandbox,
  run,
  worker,
  name,
  graceMs,
}: {
  readonly cli: Cli;
  readonly sandbox: Running | undefined;
  readonly run: Running;
  readonly worker: Running;
  readonly name: string;
  readonly graceMs: number;
}): (untilMs: number) => Promise<void> {
  let giveUpMs: number | undefined;

  async function lookAfterWorker(): Promise<void> {
    if (!worker.isOver()) return;
    if (giveUpMs === undefined) {
      giveUpMs = Date.now() + graceMs;
      cli.say(
        `\nthe worker has ended. The run has lost nothing and goes on with a new one within ${seconds(graceMs)}:\n  eval "$(headroom sandbox env --name ${name})" && headroom worker\n`,
      );
    }
    if (Date.now() < giveUpMs) return;
    if ((await show(cli)).workerAnswers) {
      giveUpMs = Number.POSITIVE_INFINITY;
      return;
    }
    await cli.run(['show', RUN]);
    throw new ActEnded('the worker is not answering, so that nobody takes the run further');
  }

  return async (untilMs) => {
    while (Date.now() < untilMs && !run.isOver()) {
      if (sandbox?.isOver() === true) throw new ActEnded('the sandbox has ended');
      await lookAfterWorker();
      await sleep(100);
    }
  };
}

function whereToLook(environment: Readonly<Record<string, string>>): string {
  const value = (key: string) => environment[key] ?? '';
  return [
    '',
    `  Temporal UI   ${value('HEADROOM_TEMPORAL_UI')}/namespaces/${value('TEMPORAL_NAMESPACE')}/workflows/${RUN}`,
    `  Prometheus    ${value('HEADROOM_PROMETHEUS_URL')}`,
    `  kubeconfig    export KUBECONFIG=${value('KUBECONFIG')}`,
    '',
  ].join('\n');
}

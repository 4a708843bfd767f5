import type { RunView } from '../client/runs.ts';
import { createCli, type Cli } from './demo-cli.ts';
import { readGovernor, type GovernorState } from './demo-governor.ts';
import { readLoadSeen } from './demo-load.ts';
import { playSecondAct, type StormSeen } from './demo-second-act.ts';
import {
  ActEnded,
  clock,
  countRuns,
  EMERGENCY,
  follow,
  preScaleCommand,
  readEnvironment,
  RUN,
  seconds,
  setLoad,
  show,
  startSandbox,
  startWorker,
  windowFrom,
  type Environment,
  type EventWindow,
} from './demo-steps.ts';
import { judgeEvent, judgeStorm } from './demo-verdict.ts';
import { createWatch, type Watch } from './demo-watch.ts';

export interface DemoOptions {
  readonly name: string;
  /** Until the event starts; it lasts about twice as long. */
  readonly clockMs: number;
  /** With the second act. */
  readonly withStorm: boolean;
}

/** Three pods serve the first at ease, six the first three; in the last, six drown. */
const RPS = { quiet: 100, rising: 200, peak: 300, storm: 900 };

/**
 * Quiet takes 40 s of this. Then the emergency goes home: in 30 s where it asked for 12 pods, in 50 where it asked for so many that the
 * autoscaler has to take some away before its own maximum can come back; and cools down for 20. The whole act is to stay under four minutes.
 */
const AFTER_EVENT_MS = 120_000;

/** Plays the event, and the storm in it, and answers the exit code: 0 when all ended as it should. */
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

async function play(cli: Cli, { name, clockMs, withStorm }: DemoOptions): Promise<number> {
  const startedMs = Date.now();
  const sandbox = await startSandbox(cli, name);
  const environment = await readEnvironment(cli, name);
  cli.setEnvironment(environment);
  await setLoad(cli, name, RPS.quiet);
  const worker = await startWorker(cli, name);
  const before = await governorOf(environment);

  const event = windowFrom(Date.now(), clockMs, { withStorm });
  cli.say(`\nThe first step of the run, ${seconds(Date.now() - startedMs)} after the start.`);
  cli.say(
    `An event is foreseen: its traffic comes at ${clock(event.startMs)} and goes at ${clock(event.endMs)}. Twice the pods are to be there before it.`,
  );
  const run = follow(cli, preScaleCommand(event, clockMs), withStorm ? 'event' : undefined);
  const watch = createWatch({ cli, sandbox, worker, name, run, runId: RUN, graceMs: clockMs });
  const seen = await playEvent({ cli, name, watch, environment, event });

  cli.say('');
  await cli.run(['show', RUN]);
  const emergencies = seen.storm === undefined ? 0 : await countRuns(cli, EMERGENCY, startedMs);
  if (emergencies > 0) await cli.run(['show', EMERGENCY]);
  const load = await readLoadSeen(environment['HEADROOM_PROMETHEUS_URL'] ?? '', event);
  const atEnd = await show(cli, RUN);
  const proofs = [...judgeEvent({ ...seen, atEnd, load, before, after: await governorOf(environment) })];
  if (seen.storm !== undefined) {
    const emergency = emergencies > 0 ? { atEnd: await show(cli, EMERGENCY) } : {};
    proofs.push(...judgeStorm({ ...seen.storm, ...emergency, runs: emergencies, load }));
  }
  cli.say(`\n${proofs.map(({ holds, text }) => `  ${holds ? 'yes' : 'NO '}  ${text}`).join('\n')}`);
  cli.say(whereToLook(environment, [RUN, ...(emergencies > 0 ? [EMERGENCY] : [])]));
  cli.say(`the whole act took ${seconds(Date.now() - startedMs)}`);
  return proofs.every(({ holds }) => holds) ? 0 : 1;
}

const governorOf = (environment: Environment): Promise<GovernorState> =>
  readGovernor(environment['KUBECONFIG'] ?? '', {
    hasKeda: (environment['HEADROOM_SANDBOX_WITH'] ?? '').split(',').includes('keda'),
  });

/** The load of both acts, from the time that the pre-scale waits for its event until all runs are home. */
async function playEvent({
  cli,
  name,
  watch,
  environment,
  event,
}: {
  readonly cli: Cli;
  readonly name: string;
  readonly watch: Watch;
  readonly environment: Environment;
  readonly event: EventWindow;
}): Promise<{ readonly atStart: RunView; readonly storm: StormSeen | undefined }> {
  const { startMs, peakMs, stormMs, endMs } = event;
  await watch.until(startMs);
  if (watch.areAllOver()) throw new ActEnded('its pre-scale ended before the event began');
  const atStart = await show(cli, RUN);
  cli.say('\nThe event begins, and its traffic finds the pods already there.');
  await setLoad(cli, name, RPS.rising);
  await watch.until(peakMs);
  await setLoad(cli, name, RPS.peak);
  const storm =
    stormMs === undefined
      ? undefined
      : await playSecondAct({ cli, name, watch, environment, rps: RPS, stormMs, endMs });
  await watch.until(endMs);
  cli.say(
    '\nThe event is over and its traffic goes. When the load has been low for long enough, everything is given back.',
  );
  await setLoad(cli, name, RPS.quiet);
  await watch.until(endMs + AFTER_EVENT_MS);
  if (!watch.areAllOver())
    cli.say(`\nNot everything has ended ${seconds(AFTER_EVENT_MS)} after the event: nobody waits longer.`);
  return { atStart, storm };
}

function whereToLook(environment: Environment, runs: readonly string[]): string {
  const value = (key: string) => environment[key] ?? '';
  const workflows = `${value('HEADROOM_TEMPORAL_UI')}/namespaces/${value('TEMPORAL_NAMESPACE')}/workflows`;
  return [
    '',
    ...runs.map((run) => `  Temporal UI   ${workflows}/${run}`),
    `  Prometheus    ${value('HEADROOM_PROMETHEUS_URL')}`,
    `  kubeconfig    export KUBECONFIG=${value('KUBECONFIG')}`,
    '',
  ].join('\n');
}

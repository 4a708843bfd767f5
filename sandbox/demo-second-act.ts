import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Cli } from './demo-cli.ts';
import { readWrites, type GovernorWrite } from './demo-governor.ts';
import { readP95Ms } from './demo-load.ts';
import { ActEnded, EMERGENCY, follow, readRps, readyWithin, seconds, setLoad, type Environment } from './demo-steps.ts';
import { firingAlerts, tellStorm, type Answers, type Receiver } from './demo-storm.ts';
import type { Watch } from './demo-watch.ts';
import { FILES } from './run.ts';
import { sandboxDirectory } from './state.ts';

/** What was seen of the alert storm; what is absent did not come to pass. */
export interface StormSeen {
  readonly told?: Answers;
  readonly resolved?: Answers;
  /** From the first alert until users noticed nothing any more. */
  readonly relievedAfterMs?: number;
  /** To the autoscaler, from the storm's beginning to the end of the event. */
  readonly writes: readonly GovernorWrite[];
}

interface SecondAct {
  readonly cli: Cli;
  readonly name: string;
  readonly watch: Watch;
  readonly environment: Environment;
  /** Of load: the peak that was foreseen, and what comes instead. */
  readonly rps: { readonly peak: number; readonly storm: number };
  readonly stormMs: number;
  /** The end of the event. */
  readonly endMs: number;
}

/** All it does before it listens is to read its policy; but a small machine has other things to do at that time. */
const WEBHOOK_MS = 30_000;
const ALERTS = 50;
/** Over the first one TensafeEmergencyLatency fires (examples/tensafe/alerts), under the second one nobody complains (the runbook's target). */
const P95_MS = { emergency: 200, good: 100 };

/** More comes than was foreseen: an alarm, one emergency run that joins the event, relief. Ends with the event. */
export async function playSecondAct(act: SecondAct): Promise<StormSeen> {
  const { cli, watch, stormMs, endMs } = act;
  cli.say('\nThe second act: more will come than anybody foresaw. Somebody has to hear the alerts: the webhook.');
  const receiver = await startWebhook(act);
  await watch.until(stormMs);
  const seen = (await isBurning(act)) ? await answerAlarm(act, receiver) : {};
  await watch.until(endMs);
  return { ...seen, writes: writesIn(act) };
}

const writesIn = ({ name, stormMs }: SecondAct): readonly GovernorWrite[] =>
  readWrites(join(sandboxDirectory(name), FILES.auditLog), stormMs);

/** The real command, on a port of its own: what is sent to the sandbox's port by others does not mix with this. */
async function startWebhook({ cli, name, environment }: SecondAct): Promise<Receiver> {
  const log = join(sandboxDirectory(name), FILES.logs, 'webhook.log');
  const tokenFile = environment['HEADROOM_WEBHOOK_BEARER_FILE'] ?? '';
  const sign = (line: string) => line.includes('"msg":"webhook is ready"');
  const webhook = cli.start(['webhook', '--listen', '127.0.0.1:0'], { log, sign });
  const url = /"url":"(http:[^"]+)"/.exec((await readyWithin(webhook, WEBHOOK_MS)) ?? '')?.[1];
  if (url === undefined) throw new ActEnded(`the webhook did not get ready; its log: ${log}`);
  cli.say(`  the webhook is ready at ${url} (pid ${webhook.pid}); it hears who brings the token in ${tokenFile}`);
  return { url, token: readFileSync(tokenFile, 'utf8').trim() };
}

/** Raises the load, unless somebody else has set it, and answers whether an alert fires for it. */
async function isBurning(act: SecondAct): Promise<boolean> {
  const { cli, name, watch, rps, endMs } = act;
  const found = await readRps(cli, name);
  if (found !== rps.peak) {
    cli.say(`\nSomebody has set the load to ${found} requests/s. It is left so, and no storm comes.`);
    return false;
  }
  cli.say(
    `\n${rps.storm / rps.peak} times the peak that was planned for comes: more than these pods can serve, and requests wait.`,
  );
  await setLoad(cli, name, rps.storm);
  if (await watch.until(endMs, async () => (await p95Of(act)) > P95_MS.emergency)) return true;
  cli.say(`\nPrometheus saw no p95 over ${P95_MS.emergency} ms, so no alert fires.`);
  return false;
}

async function answerAlarm(act: SecondAct, receiver: Receiver): Promise<Omit<StormSeen, 'writes'>> {
  const { cli, watch, endMs } = act;
  const firings = firingAlerts(ALERTS, Date.now());
  cli.say(
    `\nPrometheus sees a p95 of over ${P95_MS.emergency} ms: the alert TensafeEmergencyLatency, for which headroom.yaml allows an emergency scale-up.`,
  );
  cli.say(
    `It fires for ${ALERTS} routes at once, and a pair of Alertmanagers tells of each, both of all. (The demo sends what they would send.)`,
  );
  const alarmMs = Date.now();
  const told = await tellStorm(receiver, firings, 'firing');
  cli.say(`  ${describeAnswers(told)}`);
  if (told.started + told.joined === 0) return { told };
  cli.say(
    'One run answers for all of them, beside the event and on the same workload: the larger of what the two ask for is held.',
  );
  cli.say(
    'It doubles first and asks then what is wrong. That the example was deployed a moment ago it will find suspicious, and rightly.',
  );
  watch.follow(follow(cli, ['watch', EMERGENCY], 'emergency'));
  const isGood = async () => {
    const p95Ms = await p95Of(act);
    return p95Ms > 0 && p95Ms < P95_MS.good;
  };
  if (!(await watch.until(endMs, isGood))) return { told };
  const relievedAfterMs = Date.now() - alarmMs;
  cli.say(
    `\nUnder the same load p95 is below ${P95_MS.good} ms again, ${seconds(relievedAfterMs)} after the first alert. The storm so far:`,
  );
  cli.say(
    `  ${told.notifications} answered, ${told.started} started a run, ${told.joined} joined it, ${describeWrites(writesIn(act))}`,
  );
  cli.say(
    'So the alerts are over, and that is told as well. It is a hint and no permission: while the load is high, the capacity stays.',
  );
  const resolved = await tellStorm(receiver, firings, 'resolved');
  cli.say(`  ${describeAnswers(resolved)}`);
  return { told, resolved, relievedAfterMs };
}

const p95Of = ({ environment }: SecondAct): Promise<number> => readP95Ms(environment['HEADROOM_PROMETHEUS_URL'] ?? '');

/** '100 notifications answered in 0.4 s, alert by alert: 1 started …' */
export function describeAnswers({
  notifications,
  started,
  joined,
  kept,
  keptBy = '',
  unanswered,
  tookMs,
}: Answers): string {
  const parts = [
    ...(started > 0 ? [`${started} started the emergency`] : []),
    `${joined} joined it`,
    ...(kept > 0 ? [`${kept} started nothing: ${keptBy}`] : []),
    unanswered === 0 ? 'none was lost' : `${unanswered} WERE NOT TAKEN`,
  ];
  return `${notifications} notifications answered in ${seconds(tookMs)}, alert by alert: ${parts.join(', ')}`;
}

/** '1 write to the autoscaler (floor 6 -> 12)' */
export function describeWrites(writes: readonly GovernorWrite[]): string {
  const steps = writes.map(({ floorBefore, floor }) => `floor ${floorBefore} -> ${floor}`).join(', ');
  const count = writes.length === 1 ? '1 write' : `${writes.length} writes`;
  return `${count} to the autoscaler${steps === '' ? '' : ` (${steps})`}`;
}

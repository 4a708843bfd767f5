import autocannon from 'autocannon';
import { openLane } from '../test/harness/lane.ts';
import { notification, startWebhook } from '../test/harness/webhook.ts';
import { watchUsage, type Usage } from './process-usage.ts';
import type { Bench, Findings, Scene } from './report.ts';
import { median } from './statistics.ts';

const BOUND_A_SECOND = 2_000;
const ROUNDS = 5;
const ROUND_SECONDS = 10;
const WARM_UP_SECONDS = 3;
/** More than enough to keep the webhook busy, and far fewer than it takes. */
const CONNECTIONS = 32;

interface Round {
  readonly rejected: number;
  /** Whatever was answered otherwise, or not at all. */
  readonly other: number;
  readonly seconds: number;
  readonly usage: Usage;
}

export const alertRejections: Bench = {
  name: 'alert-rejections',
  about: 'notifications with wrong credentials, as many as come: what it costs to turn them away',
  run: measureRejections,
};

async function measureRejections({ say, isQuick }: Scene): Promise<Findings> {
  const lane = await openLane({ governor: 'none', replicas: 1 });
  const webhook = await startWebhook(lane);
  try {
    await rejections(webhook, WARM_UP_SECONDS);
    const rounds: Round[] = [];
    for (let round = 1; round <= ROUNDS; round += 1) {
      rounds.push(await rejections(webhook, isQuick ? ROUND_SECONDS / 5 : ROUND_SECONDS));
      say(`round ${round} of ${ROUNDS}`);
    }
    return summarise(rounds);
  } finally {
    await webhook.stop();
    await lane.close();
  }
}

async function rejections({ url, pid }: { readonly url: string; readonly pid: number }, seconds: number) {
  const [result, usage] = await Promise.all([
    autocannon({
      url: `${url}/alerts/alertmanager`,
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: 'Bearer as-long-as-a-token-but-wrong' },
      body: JSON.stringify(notification([{ name: 'Latency', fingerprint: 'a1b2c3d4e5f60718' }])),
      connections: CONNECTIONS,
      duration: seconds,
    }),
    watchUsage(pid, seconds),
  ]);
  const rejected = result.statusCodeStats?.['401']?.count ?? 0;
  const other = result['2xx'] + result.non2xx + result.errors + result.timeouts - rejected;
  return { rejected, other, seconds: result.duration, usage };
}

function summarise(rounds: readonly Round[]): Findings {
  const aSecond = ({ rejected, seconds }: Round) => rejected / seconds;
  // a process of Node also collects garbage beside its one thread, and a busy machine gives it less than a core
  const aCore = (round: Round) => (aSecond(round) * 100) / round.usage.cpuPercent;
  const spread = (of: (round: Round) => number) =>
    `${Math.min(...rounds.map(of)).toFixed(0)} to ${Math.max(...rounds.map(of)).toFixed(0)} by round`;
  const [first, last] = [rounds[0], rounds.at(-1)].map((round) => (round?.usage.rssKib ?? Number.NaN) / 1_024);
  return {
    measures: [
      {
        what: 'notifications turned away in a second of one core',
        value: median(rounds.map(aCore)),
        unit: '/s',
        bound: { kind: 'at least', limit: BOUND_A_SECOND },
        note: spread(aCore),
      },
      {
        what: 'the same by the clock',
        value: median(rounds.map(aSecond)),
        unit: '/s',
        note: `${median(rounds.map(({ usage }) => usage.cpuPercent)).toFixed(0)} % of a core; ${spread(aSecond)}`,
      },
      {
        what: 'answered with anything but 401, or not at all',
        value: rounds.reduce((sum, { other }) => sum + other, 0),
        unit: '',
        bound: { kind: 'at most', limit: 0 },
        note: `of ${rounds.reduce((sum, { rejected, other }) => sum + rejected + other, 0)}`,
      },
      { what: 'memory that the webhook gained meanwhile', value: (last ?? 0) - (first ?? 0), unit: 'MiB' },
    ],
    raw: { rounds },
  };
}

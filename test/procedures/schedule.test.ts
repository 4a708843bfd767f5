import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { createSchedule } from '../../client/schedules.ts';
import { startPreScale } from '../../client/start.ts';
import { readSchedule } from '../../client/schedule-request.ts';
import { daysBeforeFor, occurrencesAfter, wallClock } from '../../domain/occurrences.ts';
import { eventually } from '../harness/eventually.ts';
import { openLane, type Lane, type Ran } from '../harness/lane.ts';

const ID = 'pre-scale.tensafe-server.weekly';
const ZONE = 'America/New_York';
const EVENT = ['--event', 'weekly', '--time-zone', ZONE, '--lasts', '2h'];
const DAY_MS = 24 * 3_600_000;

/** The weekday, at two in the morning, that begins between four and five days from now: the firing has not come yet. */
function soon(): { readonly cron: string; readonly date: string } {
  const date = wallClock(Date.now() + 5 * DAY_MS, ZONE).slice(0, 10);
  return { cron: `0 2 * * ${new Date(date).getUTCDay()}`, date };
}

describe('a scheduled pre-scale', () => {
  let lane: Lane;
  before(async () => {
    lane = await openLane();
    await lane.startWorker();
  });
  after(() => lane.close());
  const add = (...words: readonly string[]): Promise<Ran> =>
    lane.headroom('schedule', 'add', 'tensafe-server', ...EVENT, ...words);
  const list = async () => {
    const { code, stdout, stderr } = await lane.headroom('schedule', 'list', '--json');
    assert.equal(code, 0, stderr);
    return JSON.parse(stdout) as readonly {
      readonly id: string;
      readonly next: readonly { readonly id: string; readonly state: string | null; readonly startMs: number }[];
      readonly last: readonly { readonly id: string; readonly state: string }[];
    }[];
  };
  /** The outcomes of the schedule's firings so far. */
  const firings = async (): Promise<readonly string[]> => {
    const outcomes: string[] = [];
    for await (const { workflowId, runId, status } of lane.temporal.workflow.list({
      query: "WorkflowType = 'startScheduledPreScale'",
    })) {
      if (status.name !== 'COMPLETED') continue;
      const result = await lane.temporal.workflow.getHandle(workflowId, runId).result();
      outcomes.push((result as { readonly outcome: string }).outcome);
    }
    return outcomes.toSorted((a, b) => a.localeCompare(b));
  };
  const fire = async (outcomes: readonly string[]): Promise<void> => {
    await lane.temporal.schedule.getHandle(ID).trigger();
    await eventually('the firing has ended', async () => (await firings()).length === outcomes.length);
    assert.deepEqual(await firings(), outcomes);
  };

  it('is refused by what its first occurrence would be refused for, and nothing is made', async () => {
    const ran = await add('--cron', soon().cron, '--replicas', '13');
    assert.equal(ran.code, 3, ran.stdout);
    assert.match(ran.stderr, /13 replicas are above the limit/);
    assert.deepEqual(await list(), []);
    assert.equal((await add('--cron', '* * * * *', '--replicas', '6')).code, 2);
  });

  it('is listed with its next events, and is there once', async () => {
    const { cron, date } = soon();
    const ran = await add('--cron', cron, '--replicas', '6', '--as', 'alice', '--note', 'market opens');
    assert.equal(ran.code, 0, ran.stderr);
    assert.match(ran.stdout, new RegExp(`next +${date} 02:00 America/New_York`));
    const [listed] = await eventually('it is listed', async () => {
      const found = await list();
      return found.length === 1 ? found : undefined;
    });
    assert.deepEqual([listed?.id, listed?.next[0]?.id, listed?.next[0]?.state], [ID, `${ID}-${date}`, null]);
    const again = await add('--cron', cron, '--replicas', '6');
    assert.equal(again.code, 3);
    assert.match(again.stderr, /already; remove it first/);
  });

  it('starts one run an occurrence, under its date, asleep until its lead, whoever fires how often', async () => {
    const { date } = soon();
    await fire(['started']);
    const run = `${ID}-${date}`;
    await eventually('the run sleeps', async () => (await lane.status(run)).status?.phase === 'sleeping');
    const { event, requestedBy } = await lane.temporal.workflow
      .getHandle(run)
      .query<{ readonly event: { readonly startMs: number }; readonly requestedBy: string }>('status');
    assert.equal(wallClock(event.startMs, ZONE), `${date} 02:00`);
    assert.equal(requestedBy, 'alice');
    await fire(['already started', 'started']);
    assert.equal((await list())[0]?.next[0]?.state, 'sleeping');
  });

  it('does not bring back a run that was cancelled', async () => {
    const run = `${ID}-${soon().date}`;
    assert.equal((await lane.headroom('cancel', run)).code, 0);
    await eventually('the run is cancelled', async () => (await lane.status(run)).state === 'CANCELLED');
    await fire(['already started', 'already started', 'started']);
    assert.equal((await lane.status(run)).state, 'CANCELLED');
    await lane.record('scheduled');
  });

  it('is removed, and names the runs that are left', async () => {
    assert.equal((await lane.headroom('schedule', 'remove', ID)).code, 0);
    // an event of tomorrow night: its firing has gone by, so its run is started at once
    const tomorrow = wallClock(Date.now() + 12 * 3_600_000, ZONE);
    const cron = `${Number(tomorrow.slice(14, 16))} ${Number(tomorrow.slice(11, 13))} * * *`;
    const ran = await add('--cron', cron, '--replicas', '6', '--lead', '1h');
    assert.equal(ran.code, 0, ran.stderr);
    const run = `${ID}-${tomorrow.slice(0, 10)}`;
    assert.match(ran.stdout, new RegExp(`started ${run};`));
    const removed = await eventually('the run is seen', async () => {
      const one = await lane.headroom('schedule', 'list', '--json');
      return one.stdout.includes(`"${run}"`) ? lane.headroom('schedule', 'remove', ID) : undefined;
    });
    assert.equal(removed.code, 0, removed.stderr);
    assert.match(removed.stdout, new RegExp(`still there: ${run}; headroom cancel ${run}`));
    assert.equal((await lane.status(run)).state, 'RUNNING');
    assert.equal((await lane.headroom('cancel', run)).code, 0);

    const unknown = await lane.headroom('schedule', 'remove', ID);
    assert.equal(unknown.code, 3);
    assert.match(unknown.stderr, /there are no schedules/);
  });
});

describe('an occurrence that is due when its schedule is made', () => {
  let lane: Lane;
  before(async () => {
    lane = await openLane();
  });
  after(() => lane.close());

  it('is started, or is there already, or has its id taken by somebody else’s run, which is said', async () => {
    const tomorrow = wallClock(Date.now() + 12 * 3_600_000, ZONE);
    const cron = `${Number(tomorrow.slice(14, 16))} ${Number(tomorrow.slice(11, 13))} * * *`;
    const schedule = readSchedule(
      'tensafe-server',
      { event: 'due', cron, timeZone: ZONE, lead: '1h', lasts: '1h', replicas: '6' },
      { nowMs: Date.now(), requestedBy: 'alice' },
    );
    const run = `pre-scale.tensafe-server.due-${tomorrow.slice(0, 10)}`;
    const made = async () => {
      const [said, ...more] = await createSchedule(lane.temporal, schedule);
      assert.deepEqual(more, []);
      await lane.temporal.schedule.getHandle('pre-scale.tensafe-server.due').delete();
      return said;
    };
    const follow = `started ${run}; follow it with: headroom watch ${run}`;
    assert.deepEqual(await made(), { id: run, kind: 'started', text: follow });
    const there = `${run} is there already, with the target that it was started with`;
    assert.deepEqual(await made(), { id: run, kind: 'there', text: there });
    await lane.temporal.workflow.getHandle(run).terminate();
    const event = { name: run.replace('pre-scale.tensafe-server.', ''), startMs: 4e12, endMs: 5e12 };
    const target = { kind: 'replicas', replicas: 9 } as const;
    await startPreScale(lane.temporal, { workload: 'tensafe-server', event, target, requestedBy: 'bob' });
    assert.match(
      (await made())?.text ?? '',
      /was NOT started: run .* is not of this occurrence; it was asked for by bob/,
    );
  });
});

describe('Temporal’s calendar', () => {
  let lane: Lane;
  before(async () => {
    lane = await openLane();
  });
  after(() => lane.close());

  const cases = [
    ['30 2 * * 0', 'Europe/Berlin', '30m'],
    ['0 8 1 * *', 'Europe/Berlin', '30m'],
    ['30 0 1 3 *', 'Africa/Cairo', '30m'],
    ['0 8 * 11 1', 'America/New_York', '3d'],
    ['0 23 28-31 2,12 *', 'Pacific/Auckland', '12h'],
    ['0 8 29 2 *', 'UTC', '0s'],
  ] as const;
  for (const [index, [cron, timeZone, lead]] of cases.entries())
    it(`fires for "${cron}" in ${timeZone} when we reckon it to`, async () => {
      const event = `calendar-${index}`;
      const read = readSchedule(
        'tensafe-server',
        { event, cron, timeZone, lead, lasts: '1h', replicas: '6' },
        { nowMs: Date.now(), requestedBy: 'tester' },
      );
      assert.equal(read.daysBefore, daysBeforeFor(read.cron, read.leadMs ?? 0));
      await createSchedule(lane.temporal, read);
      const { info } = await lane.temporal.schedule.getHandle(`pre-scale.tensafe-server.${event}`).describe();
      const fires = info.nextActionTimes.map((time) => time.getTime());
      assert.ok(fires.length >= 5);
      const wanted = occurrencesAfter(read, { afterMs: Date.now(), daysBefore: read.daysBefore, count: 10 })
        .map(({ fireMs }) => fireMs)
        .filter((ms) => ms > Date.now() && ms <= (fires.at(-1) ?? 0));
      assert.ok(wanted.length > 0);
      // around the end of February there may be more firings than occurrences, and never fewer
      assert.deepEqual(
        wanted.filter((ms) => !fires.includes(ms)),
        [],
      );
    });
});

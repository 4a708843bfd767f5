import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createCoalescer, type Outcome } from '../../../client/webhook/coalesce.ts';
import type { AlertNotice, AlertRoute } from '../../../domain/alerts.ts';
import { FakeIntake } from './world.ts';

const to = (workload: string, rule = 'Latency'): AlertRoute => ({
  procedure: 'emergencyScaleUp',
  workload,
  rule,
  starts: true,
});
const notice = (key: string, status: AlertNotice['status'] = 'firing'): AlertNotice => ({
  key,
  name: 'Latency',
  status,
  startsAtMs: 0,
});
const never = new AbortController().signal;
const kindsOf = (outcomes: readonly Outcome[]) => outcomes.map(({ kind }) => kind);

/** An intake whose offers wait until each is let go. */
function aSlowIntake({ offerMs = 5_000, pauseMs = 0 } = {}) {
  const intake = new FakeIntake();
  const held: PromiseWithResolvers<void>[] = [];
  intake.weather = () => {
    const hold = Promise.withResolvers<void>();
    held.push(hold);
    return hold.promise;
  };
  const lines: string[] = [];
  const note = (message: string) => void lines.push(message);
  const coalescer = createCoalescer(intake, { waiting: 3, offerMs, pauseMs }, { info: note, warn: note });
  /** Lets the oldest held offer go, and whatever follows from it happen. */
  const letGo = async () => {
    held.shift()?.resolve();
    await new Promise(setImmediate);
  };
  const keys = () => intake.offers.map(({ notices }) => notices.map(({ key }) => key).join());
  return { intake, coalescer, letGo, keys, held };
}

describe('gathering notices', () => {
  it('offers the first at once, and what comes meanwhile together', async () => {
    const { coalescer, letGo, keys } = aSlowIntake();
    const answers = [coalescer.offer(to('web'), [notice('a')], never)];
    assert.deepEqual(keys(), ['a'], 'before anything else can happen');
    answers.push(coalescer.offer(to('web'), [notice('b')], never), coalescer.offer(to('web'), [notice('c')], never));
    assert.deepEqual(keys(), ['a']);
    await letGo();
    assert.deepEqual(keys(), ['a', 'b,c']);
    await letGo();
    assert.deepEqual((await Promise.all(answers)).flatMap(kindsOf), ['started', 'started', 'started']);
  });

  it('lets those that follow an answer wait for each other', async () => {
    const { coalescer, letGo, keys } = aSlowIntake({ pauseMs: 40 });
    const first = coalescer.offer(to('web'), [notice('a')], never);
    await letGo();
    await first;
    const rest = [coalescer.offer(to('web'), [notice('b')], never)];
    await letGo();
    assert.deepEqual(keys(), ['a'], 'the pause is not over');
    rest.push(coalescer.offer(to('web'), [notice('c')], never), coalescer.offer(to('shop'), [notice('d')], never));
    assert.deepEqual(keys(), ['a', 'd'], 'another workload waits for nobody');
    while (keys().length < 3) await letGo();
    assert.deepEqual(keys(), ['a', 'd', 'b,c']);
    await letGo();
    await letGo();
    await Promise.all(rest);
  });

  it('offers once what is told twice, and answers both', async () => {
    const { coalescer, letGo, keys } = aSlowIntake();
    const first = coalescer.offer(to('web'), [notice('a')], never);
    const told = [notice('b'), notice('b', 'resolved'), notice('b')];
    const twice = [coalescer.offer(to('web'), told, never), coalescer.offer(to('web'), [notice('b')], never)];
    await letGo();
    await letGo();
    assert.deepEqual(keys(), ['a', 'b,b']);
    const [three, one] = await Promise.all(twice);
    assert.equal(three?.[0], three?.[2]);
    assert.equal(three?.[0], one?.[0]);
    assert.deepEqual(kindsOf(await first), ['started']);
  });

  it('lets no workload wait for another, and no two rules reach one run at the same time', async () => {
    const { coalescer, letGo, intake, held } = aSlowIntake();
    const all = [to('web'), to('api'), to('web', 'Errors')].map((route, i) =>
      coalescer.offer(route, [notice(String(i))], never),
    );
    const offered = () => intake.offers.map(({ route }) => `${route.workload} ${route.rule}`);
    assert.deepEqual(offered(), ['web Latency', 'api Latency']);
    await letGo();
    assert.deepEqual(offered(), ['web Latency', 'api Latency', 'web Errors']);
    for (const hold of held) hold.resolve();
    await Promise.all(all);
  });

  it('takes no more than may wait, and says so', async () => {
    const { coalescer, letGo, keys } = aSlowIntake();
    void coalescer.offer(to('web'), [notice('a')], never);
    void coalescer.offer(to('web'), [notice('b'), notice('c')], never);
    const tooMany = await coalescer.offer(to('web'), [notice('d'), notice('e')], never);
    assert.deepEqual(tooMany[0], {
      kind: 'not taken',
      reason: '2 alerts for web wait already, and at most 3 may',
    });
    void coalescer.offer(to('web'), [notice('d'), notice('b')], never);
    await letGo();
    assert.deepEqual(keys(), ['a', 'b,c,d']);
    await letGo();
  });

  it('does not offer what nobody waits for any more', async () => {
    const { coalescer, letGo, keys } = aSlowIntake();
    void coalescer.offer(to('web'), [notice('a')], never);
    const gone = new AbortController();
    const late = coalescer.offer(to('web'), [notice('b'), notice('c')], gone.signal);
    const other = coalescer.offer(to('web'), [notice('c')], never);
    gone.abort();
    assert.deepEqual(kindsOf(await late), ['not taken', 'not taken']);
    await letGo();
    assert.deepEqual(keys(), ['a', 'c']);
    await letGo();
    assert.deepEqual(kindsOf(await other), ['started']);
  });

  it('goes on with the next after one that failed', async () => {
    const { coalescer, letGo, held } = aSlowIntake();
    const first = coalescer.offer(to('web'), [notice('a')], never);
    const second = coalescer.offer(to('web'), [notice('b')], never);
    held.shift()?.reject(new Error('14 UNAVAILABLE'));
    assert.deepEqual(kindsOf(await first), ['not taken']);
    await letGo();
    assert.deepEqual(kindsOf(await second), ['started']);
  });

  it('goes on after one that never answers, too', async () => {
    const { coalescer, held } = aSlowIntake({ offerMs: 20 });
    const first = coalescer.offer(to('web'), [notice('a')], never);
    const second = coalescer.offer(to('web'), [notice('b')], never);
    // nothing else keeps the process: the deadline of an offer does not
    const alive = setTimeout(() => {}, 5_000);
    assert.deepEqual(kindsOf(await first), ['not taken']);
    held[1]?.resolve();
    assert.deepEqual(kindsOf(await second), ['started']);
    clearTimeout(alive);
  });
});

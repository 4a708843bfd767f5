import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { openLane, type Lane } from '../harness/lane.ts';
import { RUN, startSale, untilClosed, untilHome, untilPhase } from '../harness/pre-scale.ts';

interface ReportJson {
  readonly outcome: string;
  readonly reasons: readonly string[];
  readonly restored: boolean | null;
  readonly steered: readonly { readonly by: string; readonly what: string; readonly note: string | null }[];
  readonly writes: readonly {
    readonly floor: { readonly from: number; readonly to: number };
    readonly ceiling: { readonly to: number };
    readonly generation: { readonly to: number };
    readonly why: string;
  }[];
  readonly counts: Readonly<Record<'before' | 'after', { readonly floor: number; readonly ceiling: number } | null>>;
  readonly timeline: readonly { readonly by: string | null; readonly what: string }[];
  readonly gaps: readonly string[];
}

describe('the report of a pre-scale', () => {
  let lane: Lane;
  before(async () => {
    lane = await openLane();
    await lane.startWorker();
  });
  after(() => lane.close());
  const report = async (): Promise<ReportJson> => {
    const { code, stdout, stderr } = await lane.headroom('report', RUN, '--json');
    assert.equal(code, 0, stderr);
    return JSON.parse(stdout) as ReportJson;
  };
  const floorsIn = ({ writes }: ReportJson) => writes.map(({ floor }) => floor.to);

  it('goes so far while the run is under way, with the reasons that the ledger itself gives', async () => {
    await startSale(lane);
    await untilPhase(lane, 'holding');
    assert.equal((await lane.headroom('amend', RUN, '--floor', '8', '--as', 'alice', '--note', 'more carts')).code, 0);
    const soFar = await report();
    assert.equal(soFar.outcome, 'under way');
    const { stdout } = await lane.headroom('ledger', 'tensafe-server', '--json');
    const { writes } = JSON.parse(stdout) as {
      readonly writes: readonly { readonly [key in 'generation' | 'floor' | 'ceiling' | 'why']: unknown }[];
    };
    assert.deepEqual(
      soFar.writes.map(({ generation, floor, ceiling, why }) => [generation.to, floor.to, ceiling.to, why]),
      writes.map(({ generation, floor, ceiling, why }) => [generation, floor, ceiling, why]),
    );
    assert.match((await lane.headroom('report', RUN)).stdout, /under way, so far until 20\d\d/);
  });

  it('is whole without a worker: what the API server saw written, who steered, and the owner’s values', async () => {
    assert.equal((await lane.headroom('skip', RUN, '--as', 'bob')).code, 0);
    assert.equal(await untilClosed(lane), 'COMPLETED');
    await lane.killWorker();
    const whole = await report();
    assert.deepEqual(floorsIn(whole), lane.floorsLeft());
    assert.deepEqual([whole.outcome, whole.restored, whole.gaps], ['done', true, []]);
    assert.deepEqual(
      whole.steered.map(({ by, what, note }) => [by, what, note]),
      [
        ['alice', 'asked for a floor of 8', 'more carts'],
        ['bob', 'skipped the wait for quiet', null],
      ],
    );
    assert.deepEqual([whole.counts.after?.floor, whole.counts.after?.ceiling], [3, 10]);
    const markdown = await lane.headroom('report', RUN, '--format', 'markdown');
    assert.match(markdown.stdout, /^## pre-scale\.tensafe-server\.sale: done\n/);
    assert.match(markdown.stdout, /\| alice \| asked for a floor of 8 \| more carts \|/);
    const file = join(lane.directory, 'sale.html');
    assert.equal((await lane.headroom('report', RUN, '--html', file)).code, 0);
    assert.match(
      readFileSync(file, 'utf8'),
      /<h1>pre-scale\.tensafe-server\.sale<\/h1>[^]*<td class="short">more carts<\/td>/,
    );
    const nowhere = await lane.headroom('report', RUN, '--html', join(lane.directory, 'nowhere', 'sale.html'));
    assert.equal(nowhere.code, 1);
    assert.match(nowhere.stderr, /the page was not written: ENOENT/);
    await lane.startWorker();
  });

  it('tells of a run that was terminated, by whom, and what the ledger did after it', async () => {
    const owners = await lane.snapshot();
    const earlier = lane.floorsLeft().length;
    await startSale(lane);
    await untilPhase(lane, 'holding');
    await lane.temporal.workflow.getHandle(RUN).terminate('stuck');
    await untilHome(lane, owners);
    const ended = await report();
    assert.equal(ended.outcome, 'terminated');
    assert.match(ended.reasons.join(), /: stuck$/);
    assert.deepEqual(floorsIn(ended), lane.floorsLeft().slice(earlier));
    assert.equal(ended.writes.at(-1)?.why, 'the owner’s values are back');
  });

  it('names the runs that there are when there is none of this name, and tells a ledger from a run', async () => {
    const unknown = await lane.headroom('report', 'pre-scale.tensafe-server.nothing');
    assert.equal(unknown.code, 3);
    assert.match(unknown.stderr, /known are pre-scale\.tensafe-server\.sale/);
    const ledger = await lane.headroom('report', 'capacity.tensafe-server');
    assert.equal(ledger.code, 3);
    assert.match(ledger.stderr, /is a capacityLedger/);
  });
});

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { openLane, type Lane } from '../harness/lane.ts';

interface Report {
  readonly ready: boolean;
  readonly findings: readonly { readonly what: string; readonly ok: boolean; readonly detail: string }[];
}

describe('setting up', () => {
  let lane: Lane;
  before(async () => {
    lane = await openLane();
  });
  after(() => lane.close());

  it('finds all that the worker needs, with the worker’s own rights', async () => {
    const { code, stdout } = await lane.headroom('setup', '--json');
    const { ready, findings } = JSON.parse(stdout) as Report;
    assert.deepEqual(
      findings.filter(({ ok }) => !ok),
      [],
    );
    assert.deepEqual({ code, ready }, { code: 0, ready: true });
  });

  it('names a server that does not answer, and what else is missing besides', async () => {
    const { surroundings } = lane;
    const broken = await openLane({ env: { ...surroundings, TEMPORAL_ADDRESS: '127.0.0.1:1' } });
    try {
      const { code, stdout } = await broken.headroom('setup', '--json');
      const { ready, findings } = JSON.parse(stdout) as Report;
      assert.deepEqual({ code, ready }, { code: 1, ready: false });
      assert.match(findings.find(({ ok }) => !ok)?.what ?? '', /Temporal at 127.0.0.1:1/);
      assert.ok(
        findings.some(({ what, ok }) => what === 'Kubernetes' && ok),
        'the cluster is looked at all the same',
      );
    } finally {
      await broken.close();
    }
  });
});

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { firing, resolved, STEPS, tellSteps } from '../harness/emergency.ts';
import { eventually } from '../harness/eventually.ts';
import { openLane, type Lane } from '../harness/lane.ts';
import { untilClosed, untilHome, untilPhase } from '../harness/pre-scale.ts';

const run = STEPS;
const metric = { workload: 'tensafe-server', metric: 'queue-depth', for: '1s', cooldown: '1s' };
const policy = {
  triggers: {
    'high-cpu': { ...metric, above: 70, pods: 2 },
    'queue-backup': { ...metric, above: 50, pods: 4 },
    'slow-disk': { ...metric, above: 50, pods: 4, cooldown: '15s' },
    'low-load': { ...metric, below: 30, pods: -1 },
  },
  stepScale: { minCooldown: '3s', maxHold: '1h' },
  alertRules: {
    HighCpu: { procedure: 'stepScale', trigger: 'high-cpu' },
    QueueBackup: { procedure: 'stepScale', trigger: 'queue-backup' },
    SlowDisk: { procedure: 'stepScale', trigger: 'slow-disk' },
    LowLoad: { procedure: 'stepScale', trigger: 'low-load' },
  },
};

describe('steps by the trigger table', () => {
  let lane: Lane;
  before(async () => {
    // one that asks for a single pod all year: an HPA on CPU would answer to this load too
    lane = await openLane({ policy, governor: 'keda' });
    await lane.startWorker();
  });
  after(() => lane.close());

  it('add while alerts fire, take back one at a time what they added, and leave the rest to its owner', async () => {
    const owners = await lane.snapshot();
    await lane.load(60);
    const cpu = firing('HighCpu');
    assert.deepEqual(await tellSteps(lane, cpu), { kind: 'taken', dispositions: [{ kind: 'started', run }] });
    await eventually('two are added', async () => (await lane.floor()) === 5);
    await eventually('it evaluates itself again after the cooldown', async () => (await lane.floor()) === 7);
    const queue = firing('QueueBackup');
    await tellSteps(lane, resolved(cpu), queue);
    await eventually('four more, up to the limit', async () => (await lane.floor()) >= 11);
    await eventually('the limit', async () => (await lane.floor()) === 12);

    await tellSteps(lane, firing('LowLoad'));
    await untilPhase(lane, 'holding', { run });
    assert.equal(await lane.floor(), 12, 'nothing is taken back while another asks for more');

    assert.deepEqual(lane.floorsWritten().slice(0, 2), [5, 7]);

    await lane.load(0);
    await tellSteps(lane, resolved(queue));
    assert.equal(await untilClosed(lane, { run }), 'COMPLETED');
    await untilHome(lane, owners);
    assert.equal((await lane.status(run)).result?.outcome, 'done');
    await lane.record('steps');
  });

  it('take back one step at a time while the load is low, and only what was added', async () => {
    const owners = await lane.snapshot();
    await lane.load(20);
    const cpu = firing('HighCpu');
    await tellSteps(lane, cpu);
    await eventually('two are added', async () => (await lane.floor()) === 5);
    const writes = lane.floorsWritten().length;
    await tellSteps(lane, resolved(cpu), firing('LowLoad'));
    await untilHome(lane, owners);
    assert.deepEqual(lane.floorsWritten().slice(writes), [4, 3]);
  });

  it('wait for the cooldown of what fires again while it all goes back, and ask nobody anything meanwhile', async () => {
    await untilClosed(lane, { run });
    const owners = await lane.snapshot();
    await lane.load(3_000);
    const first = firing('SlowDisk');
    await tellSteps(lane, first);
    await eventually('four are added', async () => (await lane.floor()) >= 7);
    await lane.load(0);
    await tellSteps(lane, resolved(first));
    await untilPhase(lane, 'winding down', { run });
    const again = firing('SlowDisk');
    await tellSteps(lane, again);
    await untilPhase(lane, 'holding', { run });
    const { workflow } = lane.temporal;
    const length = async () => (await workflow.getHandle(run).describe()).historyLength;
    const before = await length();
    await eventually('its next step is made after the cooldown', async () => (await lane.floor()) >= 7, {
      withinMs: 25_000,
    });
    assert.ok((await length()) - before < 60, `${(await length()) - before} events`);
    await tellSteps(lane, resolved(again));
    assert.equal(await untilClosed(lane, { run }), 'COMPLETED');
    await untilHome(lane, owners);
  });

  it('start nothing where there is nothing to take back', async () => {
    await untilClosed(lane, { run });
    const told = await tellSteps(lane, firing('LowLoad'));
    assert.equal(told.kind === 'taken' && told.dispositions[0]?.kind, 'suppressed');
    assert.equal((await lane.status(run)).result?.outcome, 'not needed');
  });
});

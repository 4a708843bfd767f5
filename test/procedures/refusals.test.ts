import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { eventOf, openLane, type Lane } from '../harness/lane.ts';
import { startSale, untilClosed, untilPhase } from '../harness/pre-scale.ts';

describe('refusing a pre-scale before anything is touched', () => {
  let lane: Lane;
  before(async () => {
    lane = await openLane();
    await lane.startWorker();
  });
  after(() => lane.close());

  const ask = (...words: readonly string[]) => lane.headroom('pre-scale', 'tensafe-server', ...words);
  const past = ['--event', 'sale', '--starts', '2020-01-01T00:00:00Z', '--ends', '2020-01-01T01:00:00Z'];

  it('names every fault of the words at once, as usage', async () => {
    const { code, stderr } = await ask(
      '--event',
      'black friday',
      '--starts',
      'tomorrow',
      '--ends',
      '2020-01-01',
      '--factor',
      'NaN',
      '--lead=-5m',
    );
    assert.equal(code, 2);
    for (const fault of [
      /--event "black friday"/,
      /--starts "tomorrow"/,
      /--ends "2020-01-01"/,
      /factor NaN/,
      /--lead "-5m"/,
    ])
      assert.match(stderr, fault);
  });

  const words: readonly { readonly name: string; readonly options: readonly string[]; readonly says: RegExp }[] = [
    {
      name: 'an end before the start',
      options: [
        '--event',
        'sale',
        '--starts',
        '2099-01-02T00:00:00Z',
        '--ends',
        '2099-01-01T00:00:00Z',
        '--factor',
        '2',
      ],
      says: /ends .* before it starts/,
    },
    { name: 'a window that is over', options: [...past, '--factor', '2'], says: /window is over/ },
    { name: 'a factor of 0', options: [...eventOf(), '--factor', '0'], says: /factor 0 is not a number above 0/ },
    { name: 'a negative factor', options: [...eventOf(), '--factor=-1'], says: /factor -1/ },
    { name: 'no target', options: [...eventOf()], says: /either --replicas N or --factor F/ },
    {
      name: 'half a replica',
      options: [...eventOf(), '--replicas', '4.5'],
      says: /replicas 4.5 is not a whole number/,
    },
  ];
  for (const { name, options, says } of words) {
    it(`refuses ${name} as usage`, async () => {
      const { code, stderr } = await ask(...options);
      assert.deepEqual({ code, says: says.test(stderr) }, { code: 2, says: true }, stderr);
    });
  }

  it('refuses replicas above the limit and names what is accepted', async () => {
    const { code, stderr, stdout } = await ask(...eventOf(), '--replicas', '13', '--json');
    assert.equal(code, 3);
    assert.match(stderr, /13 replicas are above the limit of tensafe-server .*1 to 12 are accepted/);
    assert.equal((JSON.parse(stdout) as { readonly reasons: readonly string[] }).reasons.length, 1);
  });

  it('refuses an unknown workload and names the known ones', async () => {
    const { code, stderr } = await lane.headroom('pre-scale', 'tensafe-sever', ...eventOf(), '--factor', '2');
    assert.equal(code, 3);
    assert.match(stderr, /tensafe-sever is not in headroom.yaml; known are tensafe-server/);
  });

  it('refuses an unknown run and says that there are none or which', async () => {
    for (const command of ['show', 'watch', 'end', 'cancel']) {
      const { code, stderr } = await lane.headroom(command, 'pre-scale.tensafe-server.easter');
      assert.equal(code, 3, stderr);
      assert.match(stderr, /there is no run pre-scale.tensafe-server.easter; known are/);
    }
  });

  it('plans without touching anything, and refuses in a plan what it would refuse in a run', async () => {
    const plan = await lane.headroom(
      'plan',
      'pre-scale',
      'tensafe-server',
      ...eventOf({ startsIn: 600 }),
      '--factor',
      '2',
      '--json',
    );
    assert.equal(plan.code, 0, plan.stderr);
    const { plan: value, planHash } = JSON.parse(plan.stdout) as {
      readonly plan: { readonly target: { readonly replicas: number } };
      readonly planHash: string;
    };
    assert.equal(value.target.replicas, 6);
    assert.match(planHash, /^[0-9a-f]{64}$/);
    assert.equal(
      (await lane.headroom('plan', 'pre-scale', 'tensafe-server', ...eventOf(), '--replicas', '99')).code,
      3,
    );
    const { stdout } = await lane.headroom('runs', '--all', '--json');
    assert.equal(stdout.includes('plan.'), false);
  });

  it('refuses a second run of the same event, naming the one that runs; a served window too', async () => {
    await startSale(lane, { startsIn: 600 });
    const second = await ask(...eventOf({ startsIn: 700 }), '--factor', '3');
    assert.equal(second.code, 3);
    assert.match(second.stderr, /has a run already: pre-scale.tensafe-server.sale/);
    await lane.headroom('cancel', 'pre-scale.tensafe-server.sale');
    await untilClosed(lane);

    const window = eventOf({ startsIn: 1, lasts: 30 });
    assert.equal((await ask(...window, '--factor', '2')).code, 0);
    await untilPhase(lane, 'holding');
    await lane.headroom('skip', 'pre-scale.tensafe-server.sale');
    await untilClosed(lane);
    const again = await ask(...window, '--factor', '2');
    assert.equal(again.code, 3, again.stderr);
    assert.match(again.stderr, /has been served by/);
    await startSale(lane, { startsIn: 600 });
    await lane.headroom('cancel', 'pre-scale.tensafe-server.sale');
    await untilClosed(lane);
  });

  it('refuses two autoscalers on the workload and names both', async () => {
    const writes = lane.writes().length;
    await lane.admin.create('HorizontalPodAutoscaler', {
      metadata: { name: 'second-hpa' },
      spec: {
        scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'tensafe-server' },
        minReplicas: 2,
        maxReplicas: 5,
      },
    });
    const { code, stderr } = await ask(...eventOf({ name: 'launch' }), '--replicas', '99');
    assert.equal(code, 3);
    assert.match(stderr, /second-hpa/);
    assert.match(stderr, /tensafe-hpa/);
    assert.match(stderr, /99 replicas are above the limit/);
    await lane.record('refused');
    assert.equal(lane.writes().length, writes);
  });

  it('says that no worker serves the queue, and which, within ten seconds or so', async () => {
    await lane.killWorker();
    const startedMs = Date.now();
    const { code, stderr } = await lane.headroom('plan', 'pre-scale', 'tensafe-server', ...eventOf(), '--factor', '2');
    assert.equal(code, 1);
    assert.match(stderr, /no worker serves the queue headroom/);
    assert.ok(Date.now() - startedMs < 20_000);
  });

  it('does not start a worker on a malformed policy, and names every fault with its path', async () => {
    const file = join(lane.directory, 'broken.yaml');
    writeFileSync(
      file,
      'cluster: {}\nprometheus: {url: "not a url"}\nworkloads: {tensafe-server: {namespace: x, kind: DaemonSet, limits: {min: 5, max: 3}}}\npreScale: {lead: 30}\n',
    );
    const { code, stderr } = await lane.headroom('worker', '--config', file);
    assert.equal(code, 1);
    for (const path of [
      'cluster.name',
      'prometheus.url',
      'workloads.tensafe-server.kind',
      'workloads.tensafe-server.limits',
      'preScale.lead',
    ])
      assert.ok(stderr.includes(path), `${path} in ${stderr}`);
  });
});

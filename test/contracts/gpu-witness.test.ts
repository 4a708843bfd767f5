import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { WORKER_KEY } from '../../sandbox/cloud/keys.ts';
import type { CloudCall } from '../../sandbox/cloud/server.ts';
import type { Seen } from '../harness/audit.ts';
import { faultsOfWrites } from '../harness/witness-of-cordons.ts';
import { faultsOfDeeds } from '../harness/witness-of-evictions.ts';
import { faultsOfOrders } from '../harness/witness-of-sizes.ts';

const RUN = 'drain-gpu-node.n1/0197';
const OTHER = 'drain-gpu-node.n1/0196';
const PERSON = 'kubectl/v1.36.3';
const ours = (run = RUN) => `headroom/0.1.0 ${run}`;
const AT = '2026-11-23T00:00:00.000000Z';
const LATER = '2026-11-23T00:00:01.000000Z';

const event = (over: Partial<Seen>): Seen => ({
  stage: 'ResponseComplete',
  verb: 'patch',
  requestURI: '/api/v1/nodes/n1',
  userAgent: PERSON,
  user: { username: 'someone' },
  objectRef: { resource: 'nodes', name: 'n1' },
  responseStatus: { code: 200 },
  requestReceivedTimestamp: AT,
  stageTimestamp: AT,
  ...over,
});

let revision = 0;
/** A write of a node, and the node after it. */
function write(userAgent: string, { cordoned, owner }: { readonly cordoned: boolean; readonly owner?: string }): Seen {
  const marks = owner !== undefined && {
    annotations: { 'headroom.dev/cordon': JSON.stringify({ owner }) },
    labels: { 'headroom.dev/cordoned': 'true' },
  };
  const metadata = { name: 'n1', uid: 'u1', resourceVersion: String((revision += 1)), ...marks };
  return event({ userAgent, responseObject: { metadata, spec: cordoned ? { unschedulable: true } : {} } });
}
const FREE = { cordoned: false };
const made = write('setup', FREE);
const cordon = write(ours(), { cordoned: true, owner: RUN });

describe('the witness of cordons', () => {
  const live = async () => null;
  const cases = [
    { name: 'takes one that is undone by its run', writes: [made, cordon, write(ours(), FREE)], faults: [] },
    {
      name: 'takes a person’s, put on and off',
      writes: [made, write(PERSON, { cordoned: true }), write(PERSON, FREE)],
      faults: [],
    },
    {
      name: 'sees one without an owner',
      writes: [made, write(ours(), { cordoned: true })],
      faults: [/has cordoned n1 without a mark/],
    },
    {
      name: 'sees one in another’s name',
      writes: [made, write(ours(), { cordoned: true, owner: OTHER })],
      faults: [/in the name of drain-gpu-node.n1\/0196/],
    },
    {
      name: 'sees that a person’s was taken over',
      writes: [made, write(PERSON, { cordoned: true }), write(ours(), { cordoned: true, owner: RUN })],
      faults: [/touched the cordon of a person/],
    },
    {
      name: 'sees that a person’s was undone',
      writes: [made, write(PERSON, { cordoned: true }), write(ours(), FREE)],
      faults: [/touched the cordon of a person/],
    },
    {
      name: 'sees that another run’s was undone',
      writes: [made, cordon, write(ours(OTHER), FREE)],
      faults: [/has undone the cordon of drain-gpu-node.n1\/0197/],
    },
    {
      name: 'sees that a sweep has undone that of a run which lives',
      writes: [made, cordon, write(ours('sweep/host'), FREE)],
      faults: [/which runs/],
    },
    {
      name: 'takes a sweep’s word on a run that had ended',
      writes: [made, cordon, write(ours('sweep/host'), FREE)],
      endOf: async () => Date.parse(AT) - 1,
      faults: [],
    },
  ];
  for (const { name, writes, faults, endOf = live } of cases)
    it(name, async () => {
      const found = await faultsOfWrites(writes.toReversed(), endOf);
      assert.equal(found.length, faults.length, found.join());
      for (const [index, fault] of faults.entries()) assert.match(found[index] ?? '', fault);
    });
});

describe('the witness of evictions', () => {
  const pod = { resource: 'pods', namespace: 'shop', name: 'web-1' };
  const evict = (deleteOptions: object): Seen =>
    event({
      verb: 'create',
      userAgent: ours(),
      objectRef: { ...pod, subresource: 'eviction' },
      responseStatus: { code: 201 },
      requestObject: { deleteOptions },
    });
  const precise = evict({ preconditions: { uid: 'p1' } });
  const budget = (currentHealthy: number, desiredHealthy: number): Seen =>
    event({
      verb: 'update',
      userAgent: 'kube-controller-manager/v1.36.3',
      stageTimestamp: LATER,
      objectRef: { resource: 'poddisruptionbudgets', namespace: 'shop', name: 'web', subresource: 'status' },
      responseObject: {
        metadata: { name: 'web', resourceVersion: String((revision += 1)) },
        status: { currentHealthy, desiredHealthy },
      },
    });
  const cases = [
    { name: 'takes one pod each, as its budget allows', seen: [budget(3, 2), precise, budget(2, 2)], faults: [] },
    { name: 'takes what is too few without us', seen: [budget(3, 2), budget(1, 2)], faults: [] },
    { name: 'takes it that far more are missing', seen: [budget(24, 23), precise, budget(0, 23)], faults: [] },
    {
      name: 'takes what controllers delete',
      seen: [event({ verb: 'delete', objectRef: pod, userAgent: 'kube-controller-manager/v1.36.3' })],
      faults: [],
    },
    {
      name: 'sees a deletion, also one that was refused',
      seen: [event({ verb: 'delete', objectRef: pod, userAgent: ours(), responseStatus: { code: 403 } })],
      faults: [/has deleted/],
    },
    { name: 'sees an eviction by name alone', seen: [evict({})], faults: [/whatever is called web-1/] },
    {
      name: 'sees a grace period of our own',
      seen: [evict({ preconditions: { uid: 'p1' }, gracePeriodSeconds: 0 })],
      faults: [/whatever is called web-1/],
    },
    {
      name: 'sees a budget that an eviction has broken',
      seen: [budget(2, 2), precise, budget(1, 2)],
      faults: [/budget web has 1 of 2/],
    },
  ];
  for (const { name, seen, faults } of cases)
    it(name, () => {
      const found = faultsOfDeeds(seen);
      assert.equal(found.length, faults.length, found.join());
      for (const [index, fault] of faults.entries()) assert.match(found[index] ?? '', fault);
    });
});

describe('the witness of sizes', () => {
  const found = [
    { name: 'gpu', autoScalingGroup: 'eks-gpu', live: { min: 1, max: 6, desired: 4 }, instances: ['a', 'b', 'c', 'd'] },
  ];
  const call = (over: Partial<CloudCall>): CloudCall => ({
    atMs: 0,
    action: 'eks:UpdateNodegroupConfig',
    path: '/clusters/prod/node-groups/gpu/update-config',
    body: '',
    token: 't1',
    caller: RUN,
    accessKeyId: WORKER_KEY.accessKeyId,
    outcome: 'done',
    found,
    ...over,
  });
  const order = (scalingConfig: object, token = 't1', over: Partial<CloudCall> = {}) =>
    call({ body: JSON.stringify({ scalingConfig }), token, ...over });
  const lower = (desired: number) =>
    call({
      action: 'autoscaling:SetDesiredCapacity',
      body: `AutoScalingGroupName=eks-gpu&DesiredCapacity=${desired}`,
      token: null,
    });
  const six = { minSize: 1, maxSize: 6, desiredSize: 6 };
  const kept = { ...six, minSize: 6 };
  const cases = [
    {
      name: 'takes an order that is repeated',
      calls: [order(six, 't1', { outcome: 'reset-after' }), order(six)],
      faults: [],
    },
    {
      name: 'takes a minimum that is raised and given back',
      calls: [order(six), order(kept, 't2'), order(six, 't3'), order(six, 't3')],
      faults: [],
    },
    {
      name: 'sees an undo in the name of the first order',
      calls: [order(six), order(kept, 't2'), order(six)],
      faults: [/as t1, which was .*"minSize":1/],
    },
    { name: 'takes back what has not come', calls: [lower(4)], faults: [] },
    {
      name: 'sees that a repeated order is another one',
      calls: [order(six), order(six, 't2')],
      faults: [/before as t1/],
    },
    {
      name: 'sees another order in the name of the first',
      calls: [order(six), order({ ...six, minSize: 2 })],
      faults: [/as t1, which was/],
    },
    { name: 'sees a group made smaller', calls: [order({ ...six, desiredSize: 3 })], faults: [/makes 4 smaller/] },
    {
      name: 'sees a maximum lowered',
      calls: [order({ ...six, maxSize: 5, desiredSize: 5 })],
      faults: [/the maximum 6/],
    },
    { name: 'sees a size left to chance', calls: [order({ desiredSize: 6 })], faults: [/leaves out/] },
    { name: 'sees that too much is taken back', calls: [lower(3)], faults: [/wants 3 of 4 instances/] },
    {
      name: 'leaves what others do to them',
      calls: [order({ ...six, desiredSize: 2 }, 't9', { accessKeyId: 'OPERATOR' })],
      faults: [],
    },
  ];
  for (const { name, calls, faults } of cases)
    it(name, () => {
      const said = faultsOfOrders(calls);
      assert.equal(said.length, faults.length, said.join());
      for (const [index, fault] of faults.entries()) assert.match(said[index] ?? '', fault);
    });
});

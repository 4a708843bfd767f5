import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { createClusterNodes } from '../../sandbox/cloud/cluster-nodes.ts';
import { spareCordoned } from '../../sandbox/cloud/cordons.ts';
import { openKubeClient, type KubeClient } from '../../sandbox/kube.ts';
import { instanceIdOf } from '../../domain/gpu-node.ts';
import { aCloud, CALL } from '../harness/cloud.ts';
import { eventually } from '../harness/eventually.ts';
import { servers } from '../harness/servers.ts';

const NAME = 'gpu-followed';
const GROUP = {
  name: NAME,
  instanceTypes: ['p5.48xlarge'],
  sizes: { min: 0, max: 3, desired: 0 },
  zones: ['us-east-1a'],
  subnet: '10.9.9.',
};
/** Long enough to be seen without GPUs. */
const timings = { launchMs: 300, joinMs: 300, gpuMs: 2_000, terminateMs: 500 };

interface FoundNode {
  readonly metadata: { readonly name: string; readonly uid: string };
  readonly spec: { readonly providerID: string };
  readonly status: {
    readonly allocatable: Readonly<Record<string, string>>;
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  };
}

const isReady = ({ status }: FoundNode) =>
  status.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True') === true;
const gpus = ({ status }: FoundNode) => status.allocatable['nvidia.com/gpu'];

/** Alone, because its nodes are those of the whole cluster. */
describe('nodes that follow their instances', () => {
  let kube: KubeClient;
  let cloud: Awaited<ReturnType<typeof aCloud>>;
  const nodes = async (): Promise<readonly FoundNode[]> => {
    const { text } = await kube.send('GET', `/api/v1/nodes?labelSelector=eks.amazonaws.com/nodegroup=${NAME}`);
    const { items }: { readonly items: readonly FoundNode[] } = JSON.parse(text);
    return items;
  };
  const until = (what: string, is: (found: readonly FoundNode[]) => boolean) =>
    eventually(
      what,
      async () => {
        const found = await nodes();
        return is(found) && found;
      },
      { everyMs: 50 },
    );

  before(async () => {
    kube = openKubeClient(servers().kubeconfig.admin);
    cloud = await aCloud({ groups: [GROUP], timings, onNode: createClusterNodes(kube) });
  });
  after(async () => {
    cloud.order({ do: 'timings', group: NAME, timings: { terminateMs: 0 } });
    cloud.order({ do: 'desired', group: NAME, nodes: 0 });
    await until('no node is left', (found) => found.length === 0);
    await cloud.stop();
    kube.close();
  });

  it('are Ready before their GPUs are registered, and name the instance', async () => {
    const { autoScalingGroup } = await cloud.port.readNodeGroup(NAME, CALL);
    await cloud.port.setDesired(autoScalingGroup, 2, CALL);
    const early = await until('two are Ready', (found) => found.length === 2 && found.every(isReady));
    assert.deepEqual(early.map(gpus), [undefined, undefined]);
    const whole = await until('they have GPUs', (found) => found.every((node) => gpus(node) === '8'));
    const { instances } = await cloud.port.readNodeGroup(NAME, CALL);
    assert.deepEqual(
      new Set(whole.map(({ spec }) => instanceIdOf(spec.providerID))),
      new Set(instances.map(({ id }) => id)),
    );
    assert.ok(whole.every(isReady));
  });

  it('go with their instance, and no other does', async () => {
    const [first, second] = await nodes();
    assert.ok(first !== undefined && second !== undefined);
    await cloud.port.terminateInstance(instanceIdOf(first.spec.providerID) ?? '', CALL);
    const left = await until('one is left', (found) => found.length === 1);
    assert.deepEqual(
      left.map(({ metadata }) => metadata.uid),
      [second.metadata.uid],
    );
  });

  it('stay when they are cordoned and the group is made smaller: another one goes, as it may in AWS (R55)', async (t) => {
    t.after(spareCordoned(kube, cloud));
    cloud.order({ do: 'desired', group: NAME, nodes: 2 });
    const [oldest] = await until('two are there', (found) => found.length === 2);
    const { name, uid } = oldest?.metadata ?? { name: '', uid: '' };
    await kube.send(
      'PATCH',
      `/api/v1/nodes/${name}`,
      { spec: { unschedulable: true } },
      'application/merge-patch+json',
    );
    await eventually('the cordon is seen', async () => cloud.core.fleet.instances().some(({ spared }) => spared));
    cloud.order({ do: 'desired', group: NAME, nodes: 1 });
    const left = await until('one is left', (found) => found.length === 1);
    assert.deepEqual(
      left.map(({ metadata }) => metadata.uid),
      [uid],
    );
  });

  it('come again under the name of one that is gone, as another node (R46)', async () => {
    const [past] = await nodes();
    const id = instanceIdOf(past?.spec.providerID ?? '') ?? '';
    cloud.order({ do: 'terminate', instance: id });
    await until('it is gone', (found) => found.every(({ spec }) => instanceIdOf(spec.providerID) !== id));
    cloud.order({ do: 'desired', group: NAME, nodes: 2 });
    const now = await until('two are there', (found) => found.length === 2);
    const heir = now.find(({ metadata }) => metadata.name === past?.metadata.name);
    assert.ok(heir !== undefined && heir.metadata.uid !== past?.metadata.uid);
    assert.notEqual(instanceIdOf(heir.spec.providerID), id);
  });
});

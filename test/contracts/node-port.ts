import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { CordonMark, NodeIdentity } from '../../domain/gpu-node.ts';
import { call, type NodeWorld } from './node-world.ts';

const mark: CordonMark = { owner: 'drain-gpu-node.a/1', requestedBy: 'ann', atMs: 1_000, untilMs: null };
const other: CordonMark = { ...mark, owner: 'drain-gpu-node.b/2' };

/** What every NodePort promises. */
export function describeNodePort(title: string, open: () => Promise<NodeWorld>): void {
  describe(title, () => {
    let world: NodeWorld;
    before(async () => {
      world = await open();
    });
    after(() => world.close());
    const read = (name: string) => world.nodes.readNode(name, call);
    /** Of this node: others may be cordoned by other tests. */
    const markOf = async ({ uid }: NodeIdentity) =>
      (await world.nodes.listCordoned(call)).find(({ node }) => node.uid === uid)?.mark;

    it('tells a node with its identity, and null where there is none', async () => {
      const node = await world.addNode('node-read');
      const state = await read(node.name);
      assert.equal(state?.uid, node.uid);
      assert.equal(state?.providerId, `aws:///us-east-1a/${node.instanceId}`);
      assert.equal(state?.schedulable, true);
      assert.ok((await world.nodes.listNodes(call)).some(({ uid }) => uid === node.uid));
      assert.equal(await read(`${node.name}-not`), null);
    });

    it('cordons with a mark, once, and takes both away', async () => {
      const node = await world.addNode('node-cordon');
      const before = await read(node.name);
      assert.equal(await world.nodes.cordon(node, mark, call), 'cordoned');
      const cordoned = await read(node.name);
      assert.deepEqual([cordoned?.schedulable, cordoned?.cordonedBy?.manager], [false, 'headroom']);
      assert.deepEqual(await markOf(node), mark);
      assert.equal(await world.nodes.cordon(node, mark, call), 'ours', 'the answer of the first may have been lost');
      assert.equal(await world.nodes.cordon(node, other, call), 'cordoned already');
      const longer = { ...mark, untilMs: 5_000 };
      assert.equal(await world.nodes.cordon(node, longer, call), 'ours');
      assert.deepEqual(await markOf(node), longer);
      assert.equal(await world.nodes.uncordon(node, other.owner, call), 'not ours');
      assert.equal(await world.nodes.uncordon(node, mark.owner, call), 'uncordoned');
      assert.equal(await world.nodes.uncordon(node, mark.owner, call), 'not ours');
      const [now, own] = [await read(node.name), /^headroom\.dev/];
      assert.deepEqual([now?.schedulable, now?.cordonedBy], [true, undefined]);
      assert.deepEqual(now?.labels, before?.labels);
      assert.ok(!Object.keys(now?.annotations ?? {}).some((key) => own.test(key)));
      assert.equal(await markOf(node), undefined);
    });

    it('leaves the cordon of a person as it is, and tells whose it is and since when', async () => {
      const node = await world.addNode('node-person');
      await world.setSchedulable(node.name, false);
      assert.equal(await world.nodes.cordon(node, mark, call), 'cordoned already');
      assert.equal(await world.nodes.uncordon(node, mark.owner, call), 'not ours');
      const { schedulable, cordonedBy } = (await read(node.name)) ?? {};
      assert.equal(schedulable, false);
      assert.ok(cordonedBy !== undefined && !['', 'headroom'].includes(cordonedBy.manager));
      assert.ok(Math.abs(Date.now() - cordonedBy.atMs) < 60_000);
      assert.equal(await markOf(node), undefined);
    });

    it('takes its mark away where a person has uncordoned meanwhile', async () => {
      const node = await world.addNode('node-uncordoned');
      await world.nodes.cordon(node, mark, call);
      await world.setSchedulable(node.name, true);
      assert.equal(await world.nodes.uncordon(node, mark.owner, call), 'uncordoned');
      assert.equal(await markOf(node), undefined);
      await world.nodes.cordon(node, mark, call);
      await world.setSchedulable(node.name, true);
      assert.equal(await world.nodes.cordon(node, other, call), 'cordoned', 'an old mark is no cordon');
      assert.equal(await world.nodes.uncordon(node, mark.owner, call), 'not ours');
      assert.equal(await world.nodes.uncordon(node, other.owner, call), 'uncordoned');
    });

    it('touches no other node of the same name', async () => {
      const was = await world.addNode('node-name');
      await world.removeNode(was.name);
      assert.equal(await world.nodes.cordon(was, mark, call), 'replaced');
      assert.equal(await world.nodes.uncordon(was, mark.owner, call), 'gone');
      const now = await world.addNode('node-name');
      assert.notEqual(now.uid, was.uid);
      assert.equal(await world.nodes.cordon(was, mark, call), 'replaced');
      assert.equal(await world.nodes.cordon({ ...now, instanceId: was.instanceId }, mark, call), 'replaced');
      assert.equal((await read(now.name))?.schedulable, true);
      await world.nodes.cordon(now, mark, call);
      assert.equal(await world.nodes.uncordon(was, mark.owner, call), 'gone');
      assert.equal((await read(now.name))?.schedulable, false);
      await world.nodes.uncordon(now, mark.owner, call);
    });

    it('lets one of many who cordon at the same time win', async () => {
      const node = await world.addNode('node-race');
      const owners = Array.from({ length: 12 }, (_, index) => `drain-gpu-node.race/${index}`);
      const answers = await Promise.all(owners.map((owner) => world.nodes.cordon(node, { ...mark, owner }, call)));
      assert.equal(answers.filter((answer) => answer === 'cordoned').length, 1);
      assert.equal(answers.filter((answer) => answer === 'cordoned already').length, 11);
      const winner = owners[answers.indexOf('cordoned')] ?? '';
      assert.equal((await markOf(node))?.owner, winner);
      assert.equal(await world.nodes.uncordon(node, winner, call), 'uncordoned');
    });
  });
}

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { NodeClaimPort } from '../../activities/ports.ts';
import type { Condition } from '../../domain/scaling-facts.ts';
import { call } from './node-world.ts';

/** Whoever opens it is Karpenter. */
export interface NodeClaimWorld {
  readonly nodeClaims: NodeClaimPort;
  /** Answers with its name, which may be longer. */
  addClaim(
    name: string,
    given: {
      readonly providerId: string;
      readonly nodeName: string;
      readonly terminationGracePeriod?: string;
      readonly conditions?: readonly Condition[];
      /** Karpenter has not seen it. */
      readonly unguarded?: true;
    },
  ): Promise<string>;
  /** Something of its status. */
  touch(name: string): Promise<void>;
  /** The instance has ended. */
  finish(name: string): Promise<void>;
  close(): Promise<void>;
}

const OF = { providerId: 'aws:///us-east-1a/i-0c1a1', nodeName: 'gpu-1' };

/** What every NodeClaimPort promises. */
export function describeNodeClaimPort(title: string, open: () => Promise<NodeClaimWorld>): void {
  describe(title, () => {
    let world: NodeClaimWorld;
    before(async () => {
      world = await open();
    });
    after(() => world.close());
    const read = (name: string) => world.nodeClaims.readNodeClaim(name, call);
    const found = async (name: string) => (await read(name)) ?? assert.fail(`no NodeClaim ${name}`);
    const remove = (claim: Parameters<NodeClaimPort['deleteNodeClaim']>[0]) =>
      world.nodeClaims.deleteNodeClaim(claim, call);

    it('tells of a NodeClaim whose it is, what guards it and what Karpenter says, and null where there is none', async () => {
      const conditions = [{ type: 'Drained', status: 'Unknown', reason: 'Draining', message: 'one pod waits' }];
      const name = await world.addClaim('read', { ...OF, terminationGracePeriod: '24h', conditions });
      const claim = await found(name);
      const { uid, version, ...rest } = claim;
      assert.deepEqual(rest, {
        name,
        ...OF,
        deleting: false,
        guarded: true,
        terminationGracePeriod: '24h',
        conditions,
      });
      assert.ok(uid !== '' && version !== '');
      assert.deepEqual(
        (await world.nodeClaims.listNodeClaims(call))?.find((one) => one.name === name),
        claim,
      );
      assert.equal(await read(`${name}-not`), null);
      assert.equal(await world.nodeClaims.mayDeleteNodeClaims(call), true);
    });

    it('deletes it, and it is there until Karpenter lets it go', async () => {
      const name = await world.addClaim('delete', OF);
      assert.equal(await remove(await found(name)), 'asked');
      const going = await found(name);
      assert.equal(going.deleting, true);
      assert.equal(await remove(going), 'asked', 'once more is nothing new');
      await world.finish(name);
      assert.equal(await read(name), null);
      assert.equal(await remove(going), 'gone');
    });

    it('deletes nothing that has changed since it was read, and nothing else of that name', async () => {
      const name = await world.addClaim('raced', OF);
      const before = await found(name);
      await world.touch(name);
      assert.equal(await remove(before), 'raced');
      const now = await found(name);
      assert.equal(await remove({ ...now, uid: '00000000-0000-0000-0000-000000000000' }), 'raced');
      assert.equal((await found(name)).deleting, false);
      assert.equal(await remove(now), 'asked');
      await world.finish(name);
    });

    it('sees that nothing would keep it: then it is gone at once', async () => {
      const name = await world.addClaim('unguarded', { ...OF, unguarded: true });
      const claim = await found(name);
      assert.equal(claim.guarded, false);
      assert.equal(await remove(claim), 'asked');
      assert.equal(await read(name), null);
    });
  });
}

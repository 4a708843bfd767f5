import { describeNodeClaimPort } from '../contracts/node-claim-port.ts';
import { FakeNodeClaims } from '../fakes/node-claims.ts';

describeNodeClaimPort('the NodeClaims of the fake', async () => {
  const fake = new FakeNodeClaims();
  return {
    nodeClaims: fake,
    addClaim: async (name, { unguarded, ...given }) => fake.add(name, { ...given, guarded: unguarded !== true }).name,
    touch: async (name) => fake.change(name),
    finish: async (name) => fake.finish(name),
    close: async () => {},
  };
});

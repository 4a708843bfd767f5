import assert from 'node:assert/strict';
import type { AuditEvent, Lane } from './lane.ts';

/** The audit log of the API server is the witness: what stood on the governor after each write of ours, and who wrote. */
interface Witnessed {
  readonly floor: number;
  readonly claimed: number;
  readonly baseline: number;
  readonly said: string;
}

interface Written {
  readonly metadata: { readonly annotations?: Readonly<Record<string, string>> };
  readonly spec: Readonly<Record<string, unknown>>;
}

/**
 * What must hold at every write of ours: never under what is claimed and what the owner had while the claim lives, never
 * above the limit, and signed with the run that wrote.
 */
export function everyWriteIsSound(lane: Lane, { limit = 12 }: { readonly limit?: number } = {}): void {
  for (const write of lane.writes()) {
    const { floor, claimed, baseline, said } = read(write);
    if (claimed > 0) assert.ok(floor >= Math.max(Math.min(claimed, limit), baseline), `under the claims: ${said}`);
    assert.ok(floor <= Math.max(limit, baseline), `above the limit: ${said}`);
    assert.match(write.userAgent, /^headroom\/\S+ capacity\.tensafe-server\/[0-9a-f-]{36}$/, `nobody's write: ${said}`);
    assert.match(write.requestURI, /[?&]fieldManager=headroom(&|$)/, said);
  }
}

/** The floors of our writes never went under this: what a running event may rely on. */
export function noWriteIsUnder(lane: Lane, floor: number): void {
  const under = lane.floorsWritten().filter((written) => written < floor);
  assert.deepEqual(under, [], `of ${lane.floorsWritten().join(', ')}`);
}

function read({ responseObject, requestObject }: AuditEvent): Witnessed {
  const { metadata, spec } = responseObject as Written;
  const marks = metadata.annotations ?? {};
  const claims = JSON.parse(marks['headroom.dev/claims'] ?? '[]') as readonly {
    readonly floor?: number;
    readonly pin?: number;
  }[];
  const held = JSON.parse(marks['headroom.dev/baseline'] ?? '{}') as {
    readonly fields?: { readonly floor?: { readonly was?: number } };
  };
  const floor = Number(spec['minReplicas'] ?? spec['minReplicaCount'] ?? spec['replicas']);
  return {
    floor,
    claimed: Math.max(0, ...claims.map(({ floor: asked, pin }) => asked ?? pin ?? 0)),
    baseline: held.fields?.floor?.was ?? 0,
    said: `floor ${floor}, ${JSON.stringify(requestObject)}`,
  };
}

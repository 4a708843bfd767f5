import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import type { Claim } from '../../domain/claim.ts';
import { bearsConflict, findStand } from '../../domain/conflict.ts';
import { decideHold } from '../../domain/hold.ts';
import type { HoldFacts } from '../../domain/hold-targets.ts';
import { sameJson, type Json } from '../../domain/json.ts';
import { readClaims, readGeneration } from '../../domain/marks.ts';
import type { Governor, GovernorChange } from '../../domain/workload.ts';
import { aGovernor } from './availability-builders.ts';

/**
 * A hold on the HPA of two autoscalers, in any order of claims, releases, lost ledgers and edits of the other autoscaler. The
 * count is what Kubernetes makes of it: each of the two clamps it to its bounds in turn, and no metric moves it.
 */

/** How often each property is tried; `npm test` asks for more than the quick unit tests do. */
const RUNS = Number(process.env['HEADROOM_MODEL_RUNS'] ?? 500);

const everyMs = 300_000;
const start = Date.UTC(2026, 10, 27, 3);
const owners = { floor: 3, ceiling: 10 };

type Command =
  | { readonly do: 'claim'; readonly count: number; readonly mode: 'freeze' | 'pause' }
  | { readonly do: 'release'; readonly now: boolean }
  | { readonly do: 'rival'; readonly floor: number; readonly room: number }
  | { readonly do: 'apply' | 'sync' | 'wait' | 'forget' };

const words = <const Word extends string>(...all: readonly Word[]) =>
  fc.constantFrom(...all).map((word) => ({ do: word }));
const aRival = { floor: fc.integer({ min: 0, max: 6 }), room: fc.integer({ min: 0, max: 14 }) };
const aCommand: fc.Arbitrary<Command> = fc.oneof(
  { weight: 5, arbitrary: words('apply', 'sync', 'wait', 'forget') },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('claim' as const),
      count: fc.integer({ min: 1, max: 20 }),
      mode: fc.constantFrom('freeze' as const, 'pause' as const),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('release' as const), now: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('rival' as const), ...aRival }) },
);

class World {
  hpa: Governor = aGovernor({ kind: 'horizontalPodAutoscaler', name: 'web-hpa', uid: 'hpa', fields: owners });
  rival: Governor;
  count: number;
  claims: readonly Claim[] = [];
  generation = 0;
  skipSteps = false;
  clockMs = start;

  constructor(rival: { readonly floor: number; readonly room: number }, count: number) {
    this.rival = aRivalOf(rival);
    this.count = count;
    this.sync();
  }

  get bound(): number {
    return Number(this.rival.fields.ceiling);
  }

  facts(): HoldFacts {
    const stand = findStand([this.rival, this.hpa]);
    assert.ok(stand);
    return {
      ...stand,
      liveReplicas: this.count,
      claims: this.claims,
      generation: this.generation,
      skipSteps: this.skipSteps,
      policy: { limits: { min: 2, max: 16 }, windDown: { percent: 20, everyMs } },
      nowMs: this.clockMs,
    };
  }

  run(command: Command): void {
    switch (command.do) {
      case 'claim':
        this.claims = [aClaim(command.count, command.mode)];
        return;
      case 'release':
        this.claims = [];
        this.skipSteps ||= command.now;
        return;
      case 'rival':
        this.rival = aRivalOf(command);
        return this.sync();
      case 'sync':
        return this.sync();
      case 'wait':
        this.clockMs += everyMs / 2;
        return;
      case 'forget':
        return this.forget();
      case 'apply':
        return this.apply();
    }
  }

  /** What the HPA controller does at each sync, for one autoscaler after the other. */
  sync(): void {
    for (const { fields } of [this.rival, this.hpa])
      this.count = Math.max(Number(fields.floor), Math.min(Number(fields.ceiling), this.count));
  }

  /** A new ledger reads what stands on the object; what it finds there tells it that it may go on. */
  forget(): void {
    const found = readClaims(this.hpa.marks) ?? [];
    assert.ok(found !== 'unreadable');
    if (this.hpa.marks.baseline !== undefined) assert.ok(bearsConflict(this.hpa));
    [this.claims, this.generation, this.skipSteps] = [found, readGeneration(this.hpa.marks), false];
  }

  apply(): void {
    this.generation += 1;
    const decision = decideHold(this.facts());
    if (decision.kind === 'idle') return;
    assert.ok(decision.kind === 'change' || decision.kind === 'unchanged', decision.kind);
    if (decision.kind === 'change') this.hpa = written(this.hpa, decision.change);
    const { standing } = decision;
    const [floor, ceiling] = [Number(this.hpa.fields.floor), Number(this.hpa.fields.ceiling)];
    assert.deepEqual([standing.floor, standing.ceiling], [floor, ceiling]);
    assert.ok(floor <= Math.max(this.bound, owners.floor), `the floor ${floor} is above the other's ${this.bound}`);
    assert.ok(floor >= owners.floor && floor <= ceiling);
    const isTheirs = owners.ceiling < Number(this.rival.fields.floor);
    assert.ok(isTheirs || ceiling >= Number(this.rival.fields.floor), 'the maximum is under the floor of the other');
    const [claimed] = this.claims;
    if (claimed !== undefined) {
      const count = claimed.pin ?? claimed.floor ?? 0;
      assert.ok(floor >= Math.min(count, this.bound, 16), `the floor ${floor} is under the claim`);
      const isPinned = claimed.pin !== undefined;
      assert.ok(isPinned || ceiling >= owners.ceiling, 'the maximum is under the owner’s while a claim lives');
    }
    if (standing.held) assert.match(standing.conflict ?? '', /the repair/);
    if (!standing.held) this.skipSteps = false;
    const again = decideHold(this.facts());
    assert.equal(again.kind, standing.held ? 'unchanged' : 'idle');
  }

  untilHome(): void {
    this.claims = [];
    for (let turn = 0; this.hpa.marks.held !== undefined; turn += 1) {
      this.apply();
      this.sync();
      this.clockMs += everyMs;
      assert.ok(turn < 80, `it does not come home: ${JSON.stringify(this.hpa)}, ${this.count} replicas`);
    }
  }
}

function aClaim(count: number, mode: 'freeze' | 'pause'): Claim {
  const asks = mode === 'pause' ? { pin: count } : { floor: count, freezeScaleIn: true };
  return { id: 'emergency.web/1', ...asks, inConflict: true, reason: '' };
}

function aRivalOf({ floor, room }: { readonly floor: number; readonly room: number }): Governor {
  const fields = { floor, ceiling: Math.max(1, floor + room) };
  return aGovernor({ kind: 'scaledObject', name: 'web-so', uid: 'so', fields });
}

function written(governor: Governor, change: GovernorChange): Governor {
  for (const { field, from } of change.fields) assert.ok(sameJson(governor.fields[field], from));
  const put = (all: object, key: string, to: Json | undefined): object => {
    const { [key]: _, ...rest } = all as Record<string, Json>;
    return to === undefined ? rest : { ...rest, [key]: to };
  };
  return {
    ...governor,
    fields: change.fields.reduce<object>((all, { field, to }) => put(all, field, to), governor.fields),
    marks: change.marks.reduce<object>((all, { mark, to }) => put(all, mark, to), governor.marks),
  };
}

describe('holding beside another autoscaler, in any order of events', () => {
  const history = fc.array(aCommand, { maxLength: 40, size: 'max' });

  it('never goes above the maximum of the other nor under its floor, and gives back what the owner had', () => {
    fc.assert(
      fc.property(fc.record(aRival), fc.integer({ min: 3, max: 10 }), history, (rival, count, commands) => {
        const world = new World(rival, count);
        for (const command of commands) world.run(command);
        world.untilHome();
        assert.deepEqual([world.hpa.fields, world.hpa.marks], [owners, {}]);
      }),
      { numRuns: RUNS },
    );
  });

  it('leaves no pod behind that the hold brought, while nobody else changes the bounds', () => {
    const quiet = history.map((commands) => commands.filter((command) => command.do !== 'rival'));
    fc.assert(
      fc.property(fc.record(aRival), fc.integer({ min: 3, max: 10 }), quiet, (rival, count, commands) => {
        const world = new World(rival, count);
        fc.pre(Number(world.rival.fields.ceiling) >= owners.floor);
        const before = world.count;
        for (const command of commands) world.run(command);
        world.untilHome();
        assert.equal(world.count, before);
      }),
      { numRuns: RUNS },
    );
  });
});

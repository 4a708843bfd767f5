import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import type { Claim } from '../../domain/claim.ts';
import { emptyBook, noteClaim, noteRelease, withFound, withoutOwners } from '../../domain/claims-book.ts';
import { decideHold } from '../../domain/hold.ts';
import { mayReapplyOver, recentReapplies } from '../../domain/reapply.ts';
import type { HoldFacts, HoldPolicy } from '../../domain/hold-targets.ts';
import type { HoldStanding } from '../../domain/hold-standing.ts';
import { canonicalJson, sameJson, type Json } from '../../domain/json.ts';
import { readClaims, readGeneration, replicasBeforeHold } from '../../domain/marks.ts';
import {
  GOVERNOR_FIELDS,
  MARKS,
  type FieldWriter,
  type Governor,
  type GovernorChange,
  type GovernorField,
  type GovernorMarks,
} from '../../domain/workload.ts';

/**
 * A ledger, a governor and everybody else in any order, against a reference that knows nothing of marks: it only
 * remembers, per field, what somebody other than us wanted last, and each owner's last word.
 */

/** How often each property is tried; `npm test` asks for more than the quick unit tests do. */
const RUNS = Number(process.env['HEADROOM_MODEL_RUNS'] ?? 1_000);

type Fields = { readonly [field in GovernorField]?: Json };
interface Stored {
  readonly kind: Governor['kind'];
  readonly uid: string;
  readonly fields: Fields;
  readonly marks: GovernorMarks;
  readonly writers: readonly FieldWriter[];
}
interface Asked {
  readonly floor?: number;
  readonly freezeScaleIn?: boolean;
  readonly pin?: number;
}
type Command =
  | { readonly do: 'claim'; readonly run: number; readonly asked: Asked }
  | { readonly do: 'release'; readonly run: number; readonly now: boolean }
  | { readonly do: 'ownerDies' | 'repeatOldMessages'; readonly run: number }
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'load'; readonly pods: number }
  | { readonly do: 'apply' | 'lateAnswer' | 'crashAfterPatch' | 'forget' | 'lateAttempt' }
  | { readonly do: 'edit' | 'race'; readonly fields: Fields; readonly by: string }
  | { readonly do: 'undoEdit' | 'revert'; readonly by: string }
  | { readonly do: 'replace'; readonly floor: number; readonly room: number };

const start = Date.UTC(2026, 10, 27, 8, 30);
const everyMs = 300_000;
const PERSON = 'kubectl-edit';
const CONTROLLER = 'argocd-controller';

const floors = fc.integer({ min: 0, max: 24 });
const ceilings = fc.integer({ min: 1, max: 30 });
const freezes = fc.constantFrom<Json>('true', 'false');
const someFields: fc.Arbitrary<Fields> = fc.oneof(
  fc.record({ floor: floors }),
  fc.record({ ceiling: ceilings }),
  fc.record({ freeze: freezes }),
  fc.record({ floor: floors, ceiling: ceilings }),
);
const asked: fc.Arbitrary<Asked> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ floor: fc.integer({ min: 1, max: 26 }) }) },
  { weight: 1, arbitrary: fc.record({ freezeScaleIn: fc.constant(true) }) },
  {
    weight: 2,
    arbitrary: fc.record({ floor: fc.integer({ min: 1, max: 26 }), freezeScaleIn: fc.boolean() }),
  },
  { weight: 1, arbitrary: fc.record({ pin: fc.integer({ min: 1, max: 26 }) }) },
);
const words = <const Word extends string>(...all: readonly Word[]) =>
  fc.constantFrom(...all).map((word) => ({ do: word }));
const ofRun = { run: fc.nat(2) };

function aCommand(somebody: boolean): fc.Arbitrary<Command> {
  const by = fc.constantFrom(PERSON, CONTROLLER);
  const ours: fc.WeightedArbitrary<Command>[] = [
    { weight: 4, arbitrary: words('apply') },
    { weight: 2, arbitrary: words('lateAnswer', 'crashAfterPatch', 'forget', 'lateAttempt') },
    { weight: 4, arbitrary: fc.record({ do: fc.constant('claim' as const), ...ofRun, asked }) },
    {
      weight: 2,
      arbitrary: fc.record({ do: fc.constant('release' as const), ...ofRun, now: fc.constantFrom(false, false, true) }),
    },
    {
      weight: 2,
      arbitrary: fc.record({ do: fc.constantFrom('ownerDies' as const, 'repeatOldMessages' as const), ...ofRun }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        do: fc.constant('wait' as const),
        ms: fc.constantFrom(everyMs - 1_001, 1_000, everyMs - 1, everyMs),
      }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('load' as const), pods: fc.integer({ min: 0, max: 30 }) }) },
  ];
  const theirs: fc.WeightedArbitrary<Command>[] = [
    { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('undoEdit' as const, 'revert' as const), by }) },
    {
      weight: 2,
      arbitrary: fc.record({ do: fc.constantFrom('edit' as const, 'race' as const), fields: someFields, by }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        do: fc.constant('replace' as const),
        floor: fc.integer({ min: 1, max: 12 }),
        room: fc.nat(10),
      }),
    },
  ];
  return fc.oneof(...ours, ...(somebody ? theirs : []));
}

const aStart = fc
  .record({
    kind: fc.constantFrom<Governor['kind']>('horizontalPodAutoscaler', 'workload', 'scaledObject'),
    floor: fc.integer({ min: 1, max: 12 }),
    room: fc.nat(10),
    limit: fc.integer({ min: 4, max: 20 }),
    percent: fc.constantFrom(1, 20, 50, 100),
    whenPersonLowers: fc.constantFrom<'leave' | 'reapply'>('leave', 'reapply'),
  })
  .map(({ kind, floor, room, limit, percent, whenPersonLowers }) => ({
    stored: aGovernor(kind, floor, room, 0),
    policy: { limits: { min: 2, max: limit }, windDown: { percent, everyMs } },
    whenPersonLowers,
  }));

function aGovernor(kind: Governor['kind'], floor: number, room: number, number: number): Stored {
  const fields = kind === 'workload' ? { floor } : { floor, ceiling: floor + room };
  return { kind, uid: `uid-${number}`, fields, marks: {}, writers: [] };
}

/** One guarded PATCH: refused as a whole when anything that was read is not so any more, or when min is above max. */
function written(stored: Stored, change: GovernorChange): Stored | 'raced' | 'invalid' {
  const guarded =
    change.uid === stored.uid &&
    change.fields.every(({ field, from }) => sameJson(stored.fields[field], from)) &&
    change.marks.every(({ mark, from }) => stored.marks[mark] === from);
  if (!guarded) return 'raced';
  const fields = change.fields.reduce<Fields>((all, { field, to }) => withField(all, field, to), stored.fields);
  if (countOf(fields, 'floor') > (count(fields.ceiling) ?? Infinity)) return 'invalid';
  const marks: { -readonly [mark in keyof GovernorMarks]: string } = { ...stored.marks };
  for (const { mark, to } of change.marks) {
    delete marks[mark];
    if (to !== undefined) marks[mark] = to;
  }
  const writers = change.fields.map(({ field }) => ({ field, manager: 'headroom', atMs: 0 }));
  return { ...stored, fields, marks, writers: newest(stored.writers, writers) };
}

function newest(old: readonly FieldWriter[], fresh: readonly FieldWriter[]): readonly FieldWriter[] {
  return [...old.filter(({ field }) => !fresh.some((one) => one.field === field)), ...fresh];
}
function withField(fields: Fields, field: GovernorField, to: Json | undefined): Fields {
  const { [field]: _, ...rest } = fields;
  return to === undefined ? rest : { ...rest, [field]: to };
}
function count(value: Json | undefined): number | undefined {
  return typeof value === 'number' ? value : undefined;
}
function countOf(fields: Fields, field: GovernorField): number {
  return count(fields[field]) ?? 0;
}

class World {
  stored: Stored;
  load = 0;
  clockMs = start;
  readonly policy: HoldPolicy;
  readonly whenPersonLowers: 'leave' | 'reapply';
  // the ledger
  book = emptyBook;
  generation = 0;
  skipSteps = false;
  fresh = false;
  reappliedAtMs: readonly number[] = [];
  // the owners of claims: their last word, and all that was ever sent
  sequence = 0;
  readonly said = new Map<number, { readonly live: boolean; readonly sequence: number; readonly claim: Claim }[]>();
  // the reference: what the owner wants, what each field was when we last looked, and the wind-down by its definition
  owner: Fields;
  seen: Fields;
  releasedAt: number | undefined;
  steppedAtMs = -Infinity;
  /** What the fields were before the last edit, and who has written since we did. */
  ours: Fields = {};
  governors = 0;

  constructor({
    stored,
    policy,
    whenPersonLowers,
  }: {
    readonly stored: Stored;
    readonly policy: HoldPolicy;
    readonly whenPersonLowers: 'leave' | 'reapply';
  }) {
    this.stored = stored;
    this.policy = policy;
    this.whenPersonLowers = whenPersonLowers;
    this.owner = stored.fields;
    this.seen = stored.fields;
  }

  get live(): number {
    const floor = countOf(this.stored.fields, 'floor');
    const ceiling = count(this.stored.fields.ceiling);
    return ceiling === undefined ? floor : Math.min(ceiling, Math.max(floor, this.load));
  }

  facts(generation: number): HoldFacts {
    const { policy, clockMs, live, skipSteps } = this;
    return {
      governor: this.governor(),
      liveReplicas: live,
      claims: this.book.claims,
      generation,
      skipSteps,
      reapply: mayReapplyOver(this, this.whenPersonLowers, clockMs),
      policy,
      nowMs: clockMs,
    };
  }

  governor(): Governor {
    const names = { workloadKind: 'Deployment', namespace: 'shop', name: 'web' } as const;
    return { ...this.stored, ...names, hasAnnotations: true, hasLabels: true, ignored: false };
  }

  run(command: Command): void {
    switch (command.do) {
      case 'claim':
        return this.say(command.run, true, command.asked);
      case 'release':
        this.say(command.run, false, {});
        this.skipSteps ||= command.now;
        return;
      case 'ownerDies':
        this.book = withoutOwners(this.book, [idOf(command.run)]);
        this.said.delete(command.run);
        return;
      case 'repeatOldMessages': {
        const before = canonicalJson(this.book.claims);
        for (const message of this.said.get(command.run) ?? []) this.hear(message);
        // a ledger that lost its memory may hear a message anew, but only its owner's last one counts
        if (!this.forgot) assert.equal(canonicalJson(this.book.claims), before, 'an old message changed a claim');
        return;
      }
      case 'wait':
        this.clockMs += command.ms;
        return;
      case 'load':
        this.load = command.pods;
        return;
      case 'edit':
        return this.edit(command.fields, command.by);
      case 'undoEdit':
        return this.edit(this.ours, command.by);
      case 'revert':
        return this.edit(this.owner, command.by);
      case 'race':
        return this.apply({ between: () => this.edit(command.fields, command.by) });
      case 'replace':
        return this.replace(command.floor, command.room);
      case 'apply':
        return this.apply();
      case 'lateAnswer':
        return this.apply({ sentTwice: true });
      case 'crashAfterPatch':
        this.apply();
        return this.forget();
      case 'forget':
        return this.forget();
      case 'lateAttempt':
        return this.lateAttempt();
    }
  }

  forgot = false;

  say(run: number, live: boolean, what: Asked): void {
    this.sequence += 1;
    const message = { live, sequence: this.sequence, claim: { id: idOf(run), reason: `run ${run}`, ...what } };
    this.said.set(run, [...(this.said.get(run) ?? []), message]);
    this.hear(message);
  }

  hear({ live, sequence, claim }: { readonly live: boolean; readonly sequence: number; readonly claim: Claim }): void {
    const before = this.book;
    this.book = live ? noteClaim(before, claim, sequence) : noteRelease(before, claim.id, sequence);
    this.fresh ||= live && this.book !== before;
  }

  /** Somebody else, whom the API server lets do what is valid. */
  edit(fields: Fields, by: string): void {
    this.ours = this.stored.fields;
    const kind = this.stored.kind;
    const possible = GOVERNOR_FIELDS.filter(
      (field) =>
        fields[field] !== undefined &&
        (field === 'floor' ||
          (field === 'ceiling' && kind !== 'workload') ||
          (field === 'freeze' && kind === 'scaledObject')),
    );
    const next = possible.reduce<Fields>((all, field) => withField(all, field, fields[field]), this.stored.fields);
    if (countOf(next, 'floor') > (count(next.ceiling) ?? Infinity)) return;
    const changed = possible.filter((field) => !sameJson(next[field], this.stored.fields[field]));
    const writers = changed.map((field) => ({ field, manager: by, atMs: this.clockMs }));
    this.stored = { ...this.stored, fields: next, writers: newest(this.stored.writers, writers) };
  }

  /** Deleted, and another one made: whoever did it wants these values now. */
  replace(floor: number, room: number): void {
    this.governors += 1;
    this.stored = aGovernor(this.stored.kind, floor, room, this.governors);
    [this.owner, this.seen] = [this.stored.fields, this.stored.fields];
    this.home();
  }

  /** Its history is deleted: a new ledger reads what stands on the object. */
  forget(): void {
    const found = readClaims(this.stored.marks) ?? [];
    assert.ok(found !== 'unreadable');
    this.book = withFound(emptyBook, found);
    this.generation = readGeneration(this.stored.marks);
    [this.skipSteps, this.fresh, this.reappliedAtMs] = [false, false, []];
    this.forgot = true;
  }

  lateAttempt(): void {
    const onObject = readGeneration(this.stored.marks);
    if (onObject > 0) assert.equal(decideHold(this.facts(onObject - 1)).kind, 'fenced');
  }

  apply({ between, sentTwice = false }: { readonly between?: () => void; readonly sentTwice?: boolean } = {}): void {
    this.generation += 1;
    const before = this.stored;
    const facts = this.facts(this.generation);
    const { owner, seen, releasedAt } = this;
    const touched = this.look();
    const decision = decideHold(facts);
    between?.();
    if (decision.kind === 'idle') return;
    assert.ok(decision.kind === 'change' || decision.kind === 'unchanged', `the decision is ${decision.kind}`);
    const { standing } = decision;
    const next = decision.kind === 'change' ? written(this.stored, decision.change) : this.stored;
    if (next === 'raced' || next === 'invalid') {
      assert.ok(between !== undefined, `${next} without another writer`);
      // nothing was written, so nothing of what was seen is remembered
      Object.assign(this, { owner, seen, releasedAt });
      return;
    }
    if (decision.kind === 'change') {
      this.note(before.fields, decision.change, facts, touched);
      if (sentTwice) assert.equal(written(next, decision.change), 'raced', 'the same PATCH is written twice');
    }
    this.stored = next;
    const counted = standing.overruled === undefined ? this.reappliedAtMs : [...this.reappliedAtMs, this.clockMs];
    this.reappliedAtMs = recentReapplies(counted, this.clockMs);
    this.checkYielding(standing, facts);
    this.fresh = false;
    if (!standing.held) this.home();
    if (!standing.held || standing.floor === standing.wantedFloor) this.skipSteps = false;
    if (between === undefined) this.check(standing, facts.liveReplicas);
  }

  /** Only a person where policy says so, or a controller after three tries, is left in peace. */
  checkYielding({ contested }: HoldStanding, { reapply }: HoldFacts): void {
    if (contested === undefined) return;
    assert.ok(!this.fresh, 'a claim that has just come was left unapplied');
    assert.equal(contested.person, contested.by === PERSON);
    assert.equal(contested.person ? reapply?.overPersons : reapply?.overControllers, false);
    if (!contested.person || this.whenPersonLowers === 'reapply') assert.ok(this.reappliedAtMs.length >= 3);
  }

  /** What is not as we left it was set by somebody else, and is what the owner wants from now on. */
  look(): readonly GovernorField[] {
    const isHeld = this.stored.marks.held !== undefined;
    const touched = GOVERNOR_FIELDS.filter(
      (field) => !isHeld || !sameJson(this.stored.fields[field], this.seen[field]),
    );
    for (const field of touched) this.owner = withField(this.owner, field, this.stored.fields[field]);
    this.seen = this.stored.fields;
    const floor = countOf(this.stored.fields, 'floor');
    if (floor <= this.wanted) this.releasedAt = undefined;
    else this.releasedAt ??= floor;
    return isHeld ? touched : [];
  }

  get wanted(): number {
    const { min, max } = this.policy.limits;
    const counts = this.book.claims.flatMap(({ floor, pin }) => [floor, pin].filter((one) => one !== undefined));
    const clamped = counts.map((one) => Math.min(max, Math.max(min, one)));
    return Math.max(countOf(this.owner, 'floor'), ...clamped);
  }
  get isPinned(): boolean {
    return this.book.claims.some(({ pin }) => pin !== undefined);
  }
  get wantsFreeze(): boolean {
    return this.stored.kind !== 'workload' && this.book.claims.some(({ freezeScaleIn }) => freezeScaleIn === true);
  }

  /** Each of our writes, seen by itself. */
  note(
    from: Fields,
    change: GovernorChange,
    { liveReplicas: live }: HoldFacts,
    touched: readonly GovernorField[],
  ): void {
    const to = Object.fromEntries(change.fields.map((one) => [one.field, one.to])) as Fields;
    for (const { field, to: value } of change.fields) this.seen = withField(this.seen, field, value);
    const [floor, ceiling] = [count(to.floor), count(to.ceiling)];
    const was = countOf(from, 'floor');
    if (touched.includes('floor'))
      assert.ok((floor ?? was) === was || floor === this.wanted, 'their floor is changed without need');
    if (touched.includes('ceiling') && ceiling !== undefined && !this.isPinned)
      assert.ok(countOf(from, 'ceiling') < (floor ?? was), 'their ceiling is changed without need');
    if (floor !== undefined && floor < was && !this.skipSteps) {
      const most = Math.max(1, Math.floor(((this.releasedAt ?? 0) * this.policy.windDown.percent) / 100));
      assert.ok(was - floor <= most, `a step from ${was} to ${floor} is more than ${most}`);
      assert.ok(this.clockMs - this.steppedAtMs >= everyMs, 'two steps in one interval');
      this.steppedAtMs = this.clockMs;
    }
    if (ceiling !== undefined && ceiling < countOf(from, 'ceiling')) {
      assert.ok(live <= ceiling, `the ceiling went to ${ceiling} while ${live} pods ran`);
      assert.ok(this.book.claims.length === 0 || this.isPinned, 'the ceiling went down while a claim needs its room');
    }
  }

  home(): void {
    this.steppedAtMs = -Infinity;
    this.releasedAt = undefined;
    const [floor, ceiling] = [countOf(this.owner, 'floor'), count(this.owner.ceiling)];
    if (ceiling !== undefined) this.owner = withField(this.owner, 'ceiling', Math.max(ceiling, floor));
  }

  check(standing: HoldStanding, live: number): void {
    const floor = countOf(this.stored.fields, 'floor');
    const ceiling = count(this.stored.fields.ceiling);
    const { owner, policy } = this;
    const [ownersFloor, ownersCeiling] = [countOf(owner, 'floor'), countOf(owner, 'ceiling')];
    const { claims } = this.book;
    assert.deepEqual([standing.floor, standing.ceiling], [floor, ceiling], 'the standing is what the object says');
    const yields = (field: string) => standing.contested?.field === field || this.contests(standing, field);
    if (claims.length > 0 && !yields('floor'))
      assert.ok(floor >= this.wanted, `floor ${floor} is under ${this.wanted}`);
    if (claims.length > 0 && this.stored.kind !== 'workload' && !yields('freeze'))
      assert.equal(
        this.stored.fields.freeze === 'true' || standing.frozen === true,
        this.wantsFreeze || owner.freeze === 'true',
      );
    assert.ok(floor <= Math.max(policy.limits.max, ownersFloor), `floor ${floor} is over limit and owner`);
    assert.ok(floor >= ownersFloor, `floor ${floor} is under the owner's ${ownersFloor}`);
    if (ceiling !== undefined) {
      assert.ok(ceiling >= floor, `ceiling ${ceiling} is under floor ${floor}`);
      if (this.isPinned) assert.ok(ceiling <= Math.max(floor, live), `pinned, but ceiling ${ceiling} leaves room`);
      else assert.ok(ceiling >= ownersCeiling || claims.length > 0, `ceiling ${ceiling} is under the owner's`);
      assert.ok(
        ceiling <= Math.max(policy.limits.max, ownersCeiling, ownersFloor, live),
        `ceiling ${ceiling} is over limit and owner`,
      );
    }
    assert.equal(
      standing.held,
      MARKS.some((mark) => this.stored.marks[mark] !== undefined),
    );
    if (standing.held) assert.equal(this.stored.marks.claims, canonicalJson(claims));
    const again = decideHold({ ...this.facts(this.generation), liveReplicas: live });
    assert.equal(again.kind, standing.held ? 'unchanged' : 'idle', 'deciding twice changes nothing the second time');
  }

  /** Of two fields that are taken the standing names one. */
  contests({ contested }: HoldStanding, field: string): boolean {
    return contested !== undefined && field === 'freeze' && contested.field === 'floor';
  }

  /** Everybody lets go, the load falls, and time passes. */
  untilIdle(): void {
    this.book = emptyBook;
    [this.load, this.skipSteps] = [0, false];
    let applies = 0;
    while (decideHold(this.facts(this.generation + 1)).kind !== 'idle') {
      this.apply();
      this.clockMs += everyMs / 2;
      applies += 1;
      assert.ok(applies <= 80, 'the wind-down does not end');
    }
  }
}

function idOf(run: number): string {
  return `pre-scale.web.run-${run}/first`;
}

describe('holding, in any order of events', () => {
  const history = (somebody: boolean) => fc.array(aCommand(somebody), { maxLength: 40, size: 'max' });

  it('gives back exactly what the owner had when nobody else wrote', () => {
    fc.assert(
      fc.property(aStart, history(false), (from, commands) => {
        const world = new World(from);
        for (const command of commands) world.run(command);
        world.untilIdle();
        assert.deepEqual({ ...world.stored, writers: [] }, from.stored);
      }),
      { numRuns: RUNS },
    );
  });

  it('never overwrites with a restore what somebody else set, whenever they did, on whichever governor', () => {
    fc.assert(
      fc.property(aStart, history(true), (from, commands) => {
        const world = new World(from);
        for (const command of commands) world.run(command);
        world.untilIdle();
        world.look();
        assert.deepEqual([world.stored.fields, world.stored.marks], [world.owner, {}]);
      }),
      { numRuns: RUNS },
    );
  });

  it('decides the same from the same facts', () => {
    fc.assert(
      fc.property(aStart, fc.array(aCommand(true), { maxLength: 10 }), (from, commands) => {
        const world = new World(from);
        for (const command of commands) world.run(command);
        const facts = world.facts(world.generation + 1);
        assert.deepEqual(decideHold(facts), decideHold(structuredClone(facts)));
        assert.equal(replicasBeforeHold(world.governor()) === undefined, world.stored.marks.baseline === undefined);
      }),
      { numRuns: Math.ceil(RUNS / 5) },
    );
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { decideStep, stepsFiring, type Step, type StepFacts } from '../../domain/step-scale.ts';

const minute = 60_000;
const cpu: Step = { trigger: 'high-cpu', pods: 2, cooldownMs: 5 * minute };
const queue: Step = { trigger: 'queue-backup', pods: 4, cooldownMs: 5 * minute };
const low: Step = { trigger: 'low-load', pods: -1, cooldownMs: 5 * minute };

const facts = (over: Partial<StepFacts> = {}): StepFacts => ({
  firing: [],
  steppedAtMs: {},
  floor: 5,
  base: 3,
  replicas: 5,
  limit: 20,
  nowMs: 100 * minute,
  ...over,
});

describe('the next step', () => {
  const rows: readonly (readonly [string, Partial<StepFacts>, ReturnType<typeof decideStep>])[] = [
    ['waits for nothing while nothing fires', {}, { kind: 'wait', untilMs: null }],
    ['adds what its trigger says', { firing: [cpu] }, { kind: 'step', floor: 7, triggers: ['high-cpu'] }],
    [
      'adds up what different triggers say',
      { firing: [cpu, queue] },
      { kind: 'step', floor: 11, triggers: ['high-cpu', 'queue-backup'] },
    ],
    [
      'adds on top of what an autoscaler has started by itself',
      { firing: [cpu], replicas: 9 },
      { kind: 'step', floor: 11, triggers: ['high-cpu'] },
    ],
    [
      'adds nothing to what an autoscaler has brought to the limit by itself',
      { firing: [cpu], floor: 10, replicas: 60, limit: 50 },
      { kind: 'full', triggers: ['high-cpu'] },
    ],
    [
      'waits for the cooldown of the trigger',
      { firing: [cpu], steppedAtMs: { 'high-cpu': 98 * minute } },
      { kind: 'wait', untilMs: 103 * minute },
    ],
    [
      'lets one trigger step while another cools down',
      { firing: [cpu, queue], steppedAtMs: { 'high-cpu': 98 * minute } },
      { kind: 'step', floor: 9, triggers: ['queue-backup'] },
    ],
    ['takes back one step', { firing: [low] }, { kind: 'step', floor: 4, triggers: ['low-load'] }],
    [
      'takes back no more than was added',
      { firing: [{ ...low, pods: -5 }] },
      { kind: 'step', floor: 3, triggers: ['low-load'] },
    ],
    ['takes back nothing where nothing was added', { firing: [low], floor: 3 }, { kind: 'wait', untilMs: null }],
    [
      'takes back nothing while another trigger asks for more',
      { firing: [low, cpu], steppedAtMs: { 'high-cpu': 98 * minute } },
      { kind: 'wait', untilMs: 103 * minute },
    ],
    [
      'stops at the limit',
      { firing: [queue], floor: 18, replicas: 18 },
      { kind: 'step', floor: 20, triggers: ['queue-backup'] },
    ],
    [
      'says that the limit is reached',
      { firing: [queue], floor: 20, replicas: 20 },
      { kind: 'full', triggers: ['queue-backup'] },
    ],
  ];
  for (const [name, over, decision] of rows) it(name, () => assert.deepEqual(decideStep(facts(over)), decision));

  it('never goes above the limit, never under the base, and makes no step within a cooldown', () => {
    const step = fc.record({
      trigger: fc.constantFrom('a', 'b', 'c'),
      pods: fc.integer({ min: -5, max: 8 }).filter((pods) => pods !== 0),
      cooldownMs: fc.integer({ min: 1, max: 10 * minute }),
    });
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 4 }),
        fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.integer({ min: 90 * minute, max: 100 * minute })),
        fc.integer({ min: 0, max: 10 }),
        fc.integer({ min: 0, max: 10 }),
        fc.integer({ min: 0, max: 30 }),
        (firing, steppedAtMs, base, added, replicas) => {
          const given = facts({ firing, steppedAtMs, base, floor: base + added, replicas, limit: 20 });
          const decision = decideStep(given);
          if (decision.kind === 'wait') {
            assert.ok(decision.untilMs === null || decision.untilMs > given.nowMs);
            return;
          }
          for (const trigger of decision.triggers) {
            const cooldowns = firing.filter((one) => one.trigger === trigger).map(({ cooldownMs }) => cooldownMs);
            assert.ok((steppedAtMs[trigger] ?? 0) + Math.min(...cooldowns) <= given.nowMs);
          }
          if (decision.kind === 'full') return;
          assert.notEqual(decision.floor, given.floor);
          assert.ok(decision.floor >= base && decision.floor <= Math.max(20, given.floor));
        },
      ),
    );
  });
});

describe('the steps of alerts', () => {
  it('are those of the alerts that fire and have one, each trigger once', () => {
    const steps = { HighCpu: cpu, HighCpuToo: cpu, Low: low };
    assert.deepEqual(stepsFiring(steps, ['HighCpuToo', 'HighCpu', 'Unknown', 'constructor']), [cpu]);
  });
});

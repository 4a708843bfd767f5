import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { findUnheld } from '../../domain/availability.ts';
import { frozen } from '../../domain/freeze.ts';
import type { AutoscalerFacts, Governor } from '../../domain/workload.ts';
import { aGovernor, aState } from './availability-builders.ts';

const claimId = 'hold-capacity.server/r1';
const marks = { claims: JSON.stringify([{ id: claimId, pin: 6, reason: 'maintenance' }]) };
const plain = aGovernor({ marks });
const hpa = aGovernor({ kind: 'horizontalPodAutoscaler', name: 'hpa', fields: { floor: 6, ceiling: 6 }, marks });
const frozenHpa = { ...hpa, fields: { ...hpa.fields, freeze: frozen(hpa) ?? null } };

function keda(autoscaler: AutoscalerFacts, isFrozen = true): Governor {
  const fields = { floor: 6, ceiling: 6, ...(isFrozen && { freeze: 'true' }) };
  return aGovernor({ kind: 'scaledObject', name: 'so', fields, marks, autoscaler });
}
const inForce = (of: object = {}) => ({ inForce: { floor: 6, ceiling: 6, frozen: true, ...of } });

describe('judging whether a hold stands', () => {
  const rows: readonly (readonly [
    name: string,
    mode: 'freeze' | 'pause',
    governor: Governor,
    why: RegExp | undefined,
  ])[] = [
    ['a count that nobody scales', 'pause', plain, undefined],
    ['a claim that is not there', 'pause', { ...hpa, marks: {} }, /claim does not stand on HorizontalPodAutoscaler/],
    ['another’s claim', 'pause', { ...hpa, marks: { claims: '[]' } }, /claim does not stand/],
    ['marks that were edited', 'pause', { ...hpa, marks: { claims: 'no' } }, /claim does not stand/],
    ['an HPA, paused', 'pause', hpa, undefined],
    ['an HPA, frozen', 'freeze', frozenHpa, undefined],
    ['an HPA, not frozen', 'freeze', hpa, /scale-in of .* is not off/],
    ['KEDA that has followed', 'freeze', keda(inForce()), undefined],
    ['KEDA that has not followed the freeze', 'freeze', keda(inForce({ frozen: false })), /HPA still scales in/],
    ['a freeze that is not there', 'freeze', keda(inForce(), false), /is not off/],
    ['KEDA that has followed the pause', 'pause', keda(inForce({ frozen: false })), undefined],
    ['KEDA that has not', 'pause', keda(inForce({ ceiling: 10 })), /still scales out to 10/],
    ['KEDA without an HPA', 'pause', keda({ inForce: null }), /has made no HPA/],
    ['KEDA that somebody paused', 'pause', keda({ paused: 'x=true', inForce: null }), /is paused by x=true/],
  ];
  for (const [name, mode, governor, why] of rows)
    it(`of ${name}: ${why === undefined ? 'it does' : 'it does not'}`, () => {
      const autoscalers = governor.kind === 'workload' ? [] : [governor];
      const found = findUnheld(aState({ self: plain, autoscalers }), { mode, claimId });
      if (why === undefined) assert.equal(found, undefined);
      else assert.match(found ?? '', why);
    });
  it('of a maximum that waits for the count to fall: it does', () => {
    const waiting = keda(inForce({ ceiling: 8, floor: 6 }));
    assert.equal(
      findUnheld(aState({ wantedReplicas: 8, autoscalers: [waiting] }), { mode: 'pause', claimId }),
      undefined,
    );
  });
  it('of two autoscalers: it does not', () =>
    assert.match(
      findUnheld(aState({ autoscalers: [hpa, keda(inForce())] }), { mode: 'pause', claimId }) ?? '',
      /^nothing is held/,
    ));
});

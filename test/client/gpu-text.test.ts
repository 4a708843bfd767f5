import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { gpuText } from '../../client/gpu-text.ts';
import type { GpuNodeLine } from '../../domain/gpu-status.ts';

const line = (of: Partial<GpuNodeLine> = {}): string => {
  const node: GpuNodeLine = {
    name: 'n1',
    instanceId: 'i-01',
    type: 'p5.48xlarge',
    group: 'gpu',
    gpus: { allocatable: 8, used: 6, expected: 8 },
    utilisation: null,
    devicePlugin: 'ready',
    dcgm: 'ready',
    pods: [],
    ...of,
  };
  return gpuText({ nodes: [node], findings: [], isWell: true }).split('\n')[0] ?? '';
};

describe('the line of a GPU node', () => {
  const rows: readonly (readonly [Partial<GpuNodeLine>, string])[] = [
    [{}, '6 of 8 GPUs used, plugin ready, dcgm ready'],
    [{ dcgm: 'none' }, '6 of 8 GPUs used, plugin ready, no dcgm'],
    [{ devicePlugin: 'not ready', dcgm: 'not ready' }, '6 of 8 GPUs used, plugin not ready, dcgm not ready'],
    [
      { devicePlugin: 'none', gpus: { allocatable: 0, used: 0, expected: 8 } },
      '0 of 0 GPUs used (its type has 8), no plugin, dcgm ready',
    ],
    [{ utilisation: 42.4 }, '6 of 8 GPUs used, 42 % busy, plugin ready, dcgm ready'],
  ];
  for (const [of, says] of rows)
    it(`says ${says}`, () => assert.equal(line(of), `n1  i-01  p5.48xlarge  gpu  ${says}`));
});

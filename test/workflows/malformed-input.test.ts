import { describe, it } from 'node:test';
import { Worker } from '@temporalio/worker';
import { aRefusal } from './crafted-refusal.ts';
import { replayable } from './crafted.ts';

describe('a pre-scale that was started by hand with what is no request', () => {
  const rows: readonly (readonly [name: string, ...args: unknown[]])[] = [
    ['no argument'],
    ['null', null],
    ['a text', 'tensafe-server'],
    ['an empty object', {}],
    ['an event that is a text', { workload: 'web', event: 'sale', target: 6, requestedBy: 'alice' }],
    [
      'texts for numbers',
      {
        workload: 'web',
        event: { name: 'sale', startMs: 'now', endMs: 'later' },
        target: { kind: 'replicas', replicas: '6' },
      },
    ],
  ];
  for (const [name, ...args] of rows)
    it(`ends as refused with ${name}`, async () => {
      await Worker.runReplayHistory(await replayable(), aRefusal({ args }));
    });
});

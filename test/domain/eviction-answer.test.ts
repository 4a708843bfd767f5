import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { judgeReply, type EvictionReply } from '../../domain/eviction-answer.ts';

const violates = "Cannot evict pod as it would violate the pod's disruption budget.";
const budget = (message: string) => [{ reason: 'DisruptionBudget', message }];

/** R51, with the words of a real API server. */
const ROWS: readonly (readonly [name: string, reply: Partial<EvictionReply>, answer: object])[] = [
  ['it is accepted', { status: 201 }, { kind: 'accepted' }],
  ['the pod is gone', { status: 404, message: 'pods "web-1" not found' }, { kind: 'gone' }],
  [
    'the name is another pod’s',
    {
      status: 409,
      message:
        'Operation cannot be fulfilled on Pod "web-1": the UID in the precondition (a) does not match the UID in record (b)',
    },
    { kind: 'replaced' },
  ],
  [
    'the same, as older servers say it',
    { status: 409, message: 'Precondition failed: UID in precondition: a, UID in object meta: b' },
    { kind: 'replaced' },
  ],
  [
    'somebody else changed the pod at that moment',
    { status: 409, message: 'the object has been modified' },
    { kind: 'later', why: 'the API server answers 409: the object has been modified', retryAfterMs: null },
  ],
  [
    'a budget allows nothing',
    {
      status: 429,
      message: violates,
      causes: budget('The disruption budget web needs 2 healthy pods and has 2 currently'),
    },
    {
      kind: 'held',
      why: 'The disruption budget web needs 2 healthy pods and has 2 currently',
      budget: 'web',
      retryAfterMs: null,
    },
  ],
  [
    'a budget is not counted yet, and the server says when to come back',
    {
      status: 429,
      message: violates,
      causes: budget('The disruption budget web is still being processed by the server.'),
      retryAfterMs: 10_000,
    },
    {
      kind: 'held',
      why: 'The disruption budget web is still being processed by the server.',
      budget: 'web',
      retryAfterMs: 10_000,
    },
  ],
  [
    'a budget holds it in words that we do not know',
    { status: 429, message: violates, causes: budget('not now') },
    { kind: 'held', why: 'not now', budget: null, retryAfterMs: null },
  ],
  [
    'the server asks for less, which is no budget',
    { status: 429, message: 'Too many requests, please try again later.', retryAfterMs: 1_000 },
    {
      kind: 'later',
      why: 'the API server answers 429: Too many requests, please try again later.',
      retryAfterMs: 1_000,
    },
  ],
  [
    'two budgets select the pod: a 500 without a reason',
    {
      status: 500,
      message: 'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.',
    },
    {
      kind: 'two budgets',
      why: 'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.',
    },
  ],
  [
    'any other 500',
    { status: 500, message: 'etcdserver: request timed out' },
    { kind: 'later', why: 'the API server answers 500: etcdserver: request timed out', retryAfterMs: null },
  ],
  [
    'the budget’s status could not be written for conflicts',
    { status: 504, message: 'couldn’t update PodDisruptionBudget "web" due to conflicts', retryAfterMs: 10_000 },
    {
      kind: 'later',
      why: 'the API server answers 504: couldn’t update PodDisruptionBudget "web" due to conflicts',
      retryAfterMs: 10_000,
    },
  ],
  [
    'a proxy answers',
    { status: 503 },
    { kind: 'later', why: 'the API server answers 503: without a word', retryAfterMs: null },
  ],
  [
    'the namespace goes away with all its pods',
    {
      status: 403,
      message: 'forbidden',
      causes: [{ reason: 'NamespaceTerminating', message: 'namespace shop is being terminated' }],
    },
    { kind: 'later', why: 'the API server answers 403: forbidden', retryAfterMs: null },
  ],
  [
    'the budget has more evictions than its controller has counted',
    { status: 403, message: 'DisruptedPods map too big - too many evictions not confirmed by PDB controller' },
    {
      kind: 'later',
      why: 'the API server answers 403: DisruptedPods map too big - too many evictions not confirmed by PDB controller',
      retryAfterMs: null,
    },
  ],
  [
    'a webhook refuses',
    { status: 403, message: 'admission webhook "policy.example.com" denied the request: not on Fridays' },
    {
      kind: 'refused',
      why: 'the API server answers 403: admission webhook "policy.example.com" denied the request: not on Fridays',
    },
  ],
  [
    'the eviction cannot be read',
    { status: 400, message: 'name in URL does not match name in Eviction object' },
    { kind: 'refused', why: 'the API server answers 400: name in URL does not match name in Eviction object' },
  ],
  [
    'no server knows evictions',
    { status: 405 },
    { kind: 'refused', why: 'the API server answers 405: without a word' },
  ],
];

describe('reading what the Eviction API replies', () => {
  for (const [name, reply, answer] of ROWS)
    it(`knows when ${name}`, () => {
      assert.deepEqual(judgeReply({ status: 200, message: '', causes: [], retryAfterMs: null, ...reply }), answer);
    });

  it('takes nothing but a success for accepted, and retries whatever a server fails with, two budgets excepted', () => {
    const reply = fc.record({
      status: fc.integer({ min: 100, max: 599 }),
      message: fc.string(),
      causes: fc.array(
        fc.record({ reason: fc.constantFrom('DisruptionBudget', 'NamespaceTerminating', 'x'), message: fc.string() }),
      ),
      retryAfterMs: fc.option(fc.nat()),
    });
    fc.assert(
      fc.property(reply, (one) => {
        const { kind } = judgeReply(one);
        assert.equal(kind === 'accepted', one.status >= 200 && one.status < 300);
        if (one.status >= 500) assert.equal(kind, 'later');
      }),
    );
  });
});

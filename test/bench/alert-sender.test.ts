import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { tellUntilTaken, type Webhook } from '../../bench/alert-sender.ts';

type Answer = Awaited<ReturnType<Webhook['tell']>>;

const taken: Answer = { status: 200, alerts: [{ name: 'A', disposition: 'joined' }], body: '', tookMs: 1 };
const notTaken: Answer = { status: 503, alerts: [], body: '', tookMs: 1 };
const alerts = [{ name: 'A', fingerprint: 'a' }];

/** Answers in this order, and with the last again and again; undefined is a connection that is cut. */
function answering(...answers: readonly (Answer | undefined)[]): Pick<Webhook, 'tell'> {
  let asked = 0;
  return {
    async tell() {
      const answer = answers[Math.min(asked, answers.length - 1)];
      asked += 1;
      if (answer === undefined) throw new TypeError('fetch failed');
      return answer;
    },
  };
}

describe('telling alerts until they are taken', () => {
  it('tells again what was not taken or not answered, and notes each answer', async () => {
    const webhook = answering(notTaken, undefined, taken);
    const told = await tellUntilTaken(webhook, alerts, { withinMs: 60_000, againAfterMs: 1 });
    assert.deepEqual(
      told.acks.map(({ status }) => status),
      [503, 0, 200],
    );
    assert.deepEqual(told.dispositions, ['joined']);
  });

  it('does not tell again what is refused for good', async () => {
    const webhook = answering({ ...notTaken, status: 400, body: 'fingerprint: hexadecimal digits' });
    const telling = tellUntilTaken(webhook, alerts, { withinMs: 20, againAfterMs: 1 });
    await assert.rejects(telling, /answered with 400: fingerprint/);
  });

  it('gives up in its time, with nothing accounted for', async () => {
    const told = await tellUntilTaken(answering(notTaken), alerts, { withinMs: 20, againAfterMs: 5 });
    assert.ok(told.acks.length > 1);
    assert.deepEqual(told.dispositions, []);
  });
});

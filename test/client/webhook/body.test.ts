import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { readBody } from '../../../client/webhook/body.ts';
import { isDeeperThan } from '../../../client/webhook/json-depth.ts';

const MOST = 1_000;

/** A request whose body is made when it is read, and how much of it was. */
function aRequest(bytes: number, headers: IncomingMessage['headers'] = {}) {
  let read = 0;
  const stream = new Readable({
    highWaterMark: 100,
    read() {
      const next = Math.min(100, bytes - read);
      read += next;
      this.push(next === 0 ? null : Buffer.alloc(next, 'x'));
    },
  });
  return { request: Object.assign(stream, { headers }), readBytes: () => read };
}

describe('reading a body', () => {
  it('gives it whole up to the limit', async () => {
    const reading = await readBody(aRequest(MOST).request, MOST);
    assert.equal(reading.kind === 'body' && reading.bytes.toString(), 'x'.repeat(MOST));
  });

  it('stops at the first byte too many, however many there are', async () => {
    const { request, readBytes } = aRequest(10_000_000);
    assert.deepEqual(await readBody(request, MOST), { kind: 'too large' });
    assert.ok(readBytes() <= MOST + 300, `${readBytes()} bytes were read`);
  });

  it('reads nothing of what says that it is too large', async () => {
    const { request, readBytes } = aRequest(10_000_000, { 'content-length': '10000000' });
    assert.deepEqual(await readBody(request, MOST), { kind: 'too large' });
    assert.equal(readBytes(), 0);
  });

  it('ends when the sender goes away', async () => {
    const { request } = aRequest(MOST);
    const reading = readBody(request, MOST);
    request.destroy();
    assert.deepEqual(await reading, { kind: 'broken off' });
  });
});

describe('judging how deep JSON is', () => {
  const depthOf = (value: unknown): number =>
    typeof value === 'object' && value !== null ? 1 + Math.max(0, ...Object.values(value).map(depthOf)) : 0;

  it('agrees with a parser on anything', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), (value) => {
        const depth = depthOf(value);
        const bytes = Buffer.from(JSON.stringify(value));
        return !isDeeperThan(bytes, depth) && (depth === 0 || isDeeperThan(bytes, depth - 1));
      }),
    );
  });

  it('does not count brackets in texts', () => {
    assert.ok(!isDeeperThan(Buffer.from(JSON.stringify({ a: '[[{"\\"[[' })), 1));
  });
});

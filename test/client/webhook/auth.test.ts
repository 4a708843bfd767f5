import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import type { IncomingHttpHeaders } from 'node:http';
import { after, describe, it } from 'node:test';
import * as fc from 'fast-check';
import { openAuth, type Auth, type AuthSettings } from '../../../client/webhook/auth.ts';
import { createReplayMemory } from '../../../client/webhook/replays.ts';
import { NOW_MS, signatureOf, someFiles } from './world.ts';

const files = someFiles();
after(() => files.remove());

const [OLD, NEW] = ['the-old-secret-of-16', 'the-new-secret-of-16'];
const BODY = Buffer.from('{"alerts":[]}');

function open(settings: Partial<AuthSettings>) {
  const faults: string[] = [];
  const lines: string[] = [];
  const note = (message: string, details: object = {}) => void lines.push(`${message} ${JSON.stringify(details)}`);
  const auth = openAuth({ clientCertificates: false, ...settings }, { info: note, warn: note }, faults);
  return { auth, faults, lines };
}

/** The whole judgement, of head and body. */
function judge(auth: Auth, headers: IncomingHttpHeaders, { body = BODY, nowMs = NOW_MS, isCertified = false } = {}) {
  const head = auth.judge({ headers, isCertified, nowMs });
  return head.kind === 'signed' ? head.judgeBody(body).kind : head.kind;
}

const bearer = (secret: string) => ({ authorization: `Bearer ${secret}` });
const basic = (login: string) => ({ authorization: `Basic ${Buffer.from(login).toString('base64')}` });
const signed = (text: string, stamp?: string, secret = OLD, header = 'x-grafana-alerting-signature-timestamp') => ({
  'x-grafana-alerting-signature': signatureOf(secret, stamp === undefined ? text : `${stamp}:${text}`),
  ...(stamp !== undefined && { [header]: stamp }),
});

describe('letting senders in', () => {
  it('says what to set where nothing is', () => {
    const { auth, faults } = open({});
    assert.equal(faults.length, 1);
    assert.match(faults[0] ?? '', /HEADROOM_WEBHOOK_BEARER_FILE/);
    assert.equal(judge(auth, bearer('')), 'refused');
  });

  it('names every file that will not do, and no secret', () => {
    const { faults } = open({
      bearerFile: files.write('short', 'too-short-1'),
      basicFile: files.write('login', 'nobody-without-password'),
      hmacFile: files.write('three', [OLD, NEW, OLD].join('\n')),
    });
    assert.equal(faults.length, 3);
    assert.ok(!/too-short-1|nobody|secret-of-16/.test(faults.join()));
    assert.match(open({ bearerFile: '/nowhere' }).faults.join(), /\/nowhere cannot be read \(ENOENT\)/);
    assert.match(open({ bearerFile: files.write('none', '\n\n') }).faults.join(), /is empty/);
  });

  it('knows a token, a login, a signature and a certificate, each by itself', () => {
    const bearerFile = files.write('bearer', `${OLD}\n`);
    const basicFile = files.write('basic', `alertmanager:${OLD}`);
    const hmacFile = files.write('hmac', OLD);
    const ways = [
      { auth: open({ bearerFile }).auth, headers: bearer(OLD) },
      { auth: open({ basicFile }).auth, headers: basic(`alertmanager:${OLD}`) },
      { auth: open({ hmacFile }).auth, headers: signed(BODY.toString()) },
    ];
    for (const [i, { auth }] of ways.entries())
      assert.deepEqual(
        ways.map(({ headers }) => judge(auth, headers)),
        ways.map((_, j) => (i === j ? 'trusted' : 'refused')),
      );
    const all = open({ bearerFile, basicFile, hmacFile }).auth;
    for (const { headers } of ways) assert.equal(judge(all, headers), 'trusted');
    assert.equal(judge(open({ clientCertificates: true }).auth, {}, { isCertified: true }), 'trusted');
    assert.equal(judge(open({ clientCertificates: true }).auth, {}), 'refused');
    assert.equal(judge(open({ bearerFile }).auth, {}, { isCertified: true }), 'refused');
  });

  it('lets nobody in by anything else', () => {
    const { auth } = open({
      bearerFile: files.write('bearer', OLD),
      basicFile: files.write('basic', `a:${OLD}`),
      hmacFile: files.write('hmac', OLD),
    });
    const header = fc.oneof(
      fc.string(),
      fc.constantFrom('Bearer ', 'Basic ', `Bearer ${OLD}x`, `bearer  ${OLD} ${OLD}`),
    );
    const signature = fc.oneof(fc.string(), fc.stringMatching(/^[0-9a-f]{64}$/));
    const stamp = fc.oneof(fc.string(), fc.constant(String(NOW_MS / 1_000)), fc.constant(undefined));
    fc.assert(
      fc.property(header, signature, stamp, (authorization, signature, stamp) => {
        const headers = {
          authorization,
          'x-grafana-alerting-signature': signature,
          ...(stamp !== undefined && { 'x-grafana-alerting-signature-timestamp': stamp }),
        };
        return judge(auth, headers) === 'refused';
      }),
    );
  });
});

describe('rotating secrets', () => {
  it('knows both while there are two, and each as soon as it is read', () => {
    const bearerFile = files.write('rotating', OLD);
    const { auth, lines } = open({ bearerFile });
    const knows = (nowMs: number) => [OLD, NEW].map((secret) => judge(auth, bearer(secret), { nowMs }) === 'trusted');
    assert.deepEqual(knows(NOW_MS), [true, false]);
    files.write('rotating', `${OLD}\n${NEW}\n`);
    assert.deepEqual(knows(NOW_MS + 500), [true, false], 'looked at once a second');
    assert.deepEqual(knows(NOW_MS + 1_000), [true, true]);
    files.write('rotating', NEW);
    assert.deepEqual(knows(NOW_MS + 2_000), [false, true]);
    assert.match(lines.join(), /secrets read again/);
  });

  it('keeps the last good ones when the file is emptied or gone, and says so once', () => {
    const bearerFile = files.write('going', OLD);
    const { auth, lines } = open({ bearerFile });
    files.write('going', '');
    for (const s of [1, 2, 3]) assert.equal(judge(auth, bearer(OLD), { nowMs: NOW_MS + s * 1_000 }), 'trusted');
    assert.equal(lines.length, 1);
    rmSync(bearerFile);
    for (const s of [4, 5]) assert.equal(judge(auth, bearer(OLD), { nowMs: NOW_MS + s * 1_000 }), 'trusted');
    assert.equal(lines.length, 2);
    assert.match(lines.join(), /the secrets before it stay/);
  });
});

describe('judging a signature', () => {
  const hmacFile = files.write('signatures', `${OLD}\n${NEW}`);
  const text = BODY.toString();
  const at = (offsetSeconds: number) => String(NOW_MS / 1_000 + offsetSeconds);

  it('looks at every active secret, and at the very body', () => {
    const { auth } = open({ hmacFile });
    assert.equal(judge(auth, signed(text, undefined, NEW)), 'trusted');
    assert.equal(judge(auth, signed(text, at(0), NEW)), 'trusted');
    assert.equal(judge(auth, signed(text, at(1)), { body: Buffer.from(`${text} `) }), 'refused');
    assert.equal(judge(auth, signed(text, at(2), 'another-secret-of-16')), 'refused');
  });

  for (const [seconds, verdict] of [
    [-301, 'refused'],
    [-300, 'trusted'],
    [300, 'trusted'],
    [301, 'refused'],
  ] as const)
    it(`of ${seconds} s from now says ${verdict}`, () => {
      assert.equal(judge(open({ hmacFile }).auth, signed(text, at(seconds))), verdict);
    });

  it('hears it once, however it is spelled', () => {
    const { auth } = open({ hmacFile });
    const headers = signed(text, at(0));
    assert.equal(judge(auth, headers), 'trusted');
    assert.equal(judge(auth, headers), 'refused');
    const upper = headers['x-grafana-alerting-signature'].toUpperCase();
    assert.equal(judge(auth, { ...headers, 'x-grafana-alerting-signature': upper }), 'refused');
    assert.equal(judge(auth, signed(text, at(1))), 'trusted', 'the same body a second later');
  });

  it('asks for the time stamp in the header that is named', () => {
    const { auth } = open({ hmacFile, hmacTimestampHeader: 'X-Stamp' });
    assert.equal(judge(auth, signed(text)), 'refused');
    assert.equal(judge(auth, signed(text, at(0))), 'refused', 'in another header');
    assert.equal(judge(auth, signed(text, at(0), OLD, 'x-stamp')), 'trusted');
    const { 'x-stamp': _, ...stripped } = { ...signed(text, at(1), OLD, 'x-stamp'), 'x-stamp': '' };
    assert.equal(judge(auth, stripped), 'refused');
  });
});

describe('remembering signatures', () => {
  it('forgets what does not count any more, and the oldest when there are too many', () => {
    const memory = createReplayMemory(2);
    assert.ok(memory.note('a', 100, 0) && !memory.note('a', 100, 100));
    assert.ok(memory.note('a', 300, 101), 'after its time');
    assert.ok(memory.note('b', 300, 101) && memory.note('c', 300, 101));
    assert.ok(!memory.note('c', 300, 101) && memory.note('a', 300, 101), 'a was the oldest');
  });
});

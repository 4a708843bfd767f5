import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readWebhookConfig } from '../../worker/webhook-config.ts';

function read(env: Readonly<Record<string, string>>, flags: Parameters<typeof readWebhookConfig>[1] = {}) {
  const faults: string[] = [];
  const { temporal: _, ...config } = readWebhookConfig(env, flags, faults);
  return { config, faults };
}

describe('reading the settings of the webhook', () => {
  it('listens on this machine only, unless told otherwise', () => {
    assert.deepEqual(read({}), {
      config: {
        policyFiles: ['headroom.yaml'],
        listen: { host: '127.0.0.1', port: 9098 },
        auth: { clientCertificates: false },
      },
      faults: [],
    });
    assert.deepEqual(read({ HEADROOM_WEBHOOK_LISTEN: '[::1]:80' }).config.listen, { host: '::1', port: 80 });
  });

  it('takes each value from its flag, or from its variable', () => {
    const env = {
      HEADROOM_WEBHOOK_LISTEN: '0.0.0.0:1',
      HEADROOM_WEBHOOK_BEARER_FILE: '/env/bearer',
      HEADROOM_WEBHOOK_BASIC_FILE: '/env/basic',
      HEADROOM_WEBHOOK_HMAC_FILE: '/env/hmac',
      HEADROOM_WEBHOOK_HMAC_TIMESTAMP_HEADER: 'X-Stamp',
      HEADROOM_WEBHOOK_TLS_CERT_FILE: '/env/cert',
      HEADROOM_WEBHOOK_TLS_KEY_FILE: '/env/key',
      HEADROOM_WEBHOOK_CLIENT_CA_FILE: '/env/ca',
    };
    const { config, faults } = read(env, { bearerFile: '/flag/bearer', listen: 'localhost:2', config: ['a', 'b'] });
    assert.deepEqual(faults, []);
    assert.deepEqual(config, {
      policyFiles: ['a', 'b'],
      listen: { host: 'localhost', port: 2 },
      tls: { certFile: '/env/cert', keyFile: '/env/key', clientCaFile: '/env/ca' },
      auth: {
        clientCertificates: true,
        bearerFile: '/flag/bearer',
        basicFile: '/env/basic',
        hmacFile: '/env/hmac',
        hmacTimestampHeader: 'X-Stamp',
      },
    });
  });

  it('names every fault', () => {
    const { faults } = read({
      HEADROOM_WEBHOOK_LISTEN: 'localhost',
      HEADROOM_WEBHOOK_HMAC_TIMESTAMP_HEADER: 'X Stamp',
      HEADROOM_WEBHOOK_CLIENT_CA_FILE: '/ca',
    });
    assert.equal(faults.length, 4);
    assert.match(faults.join('\n'), /host:port.*\n|name of a header.*\n|without HEADROOM_WEBHOOK_HMAC_FILE/);
    assert.match(read({ HEADROOM_WEBHOOK_TLS_KEY_FILE: '/key' }).faults.join(), /go together/);
    assert.match(read({ HEADROOM_WEBHOOK_LISTEN: 'localhost:70000' }).faults.join(), /localhost:70000/);
  });
});

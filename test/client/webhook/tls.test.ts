import assert from 'node:assert/strict';
import { request } from 'node:https';
import { after, before, describe, it } from 'node:test';
import { readTls } from '../../../client/webhook/tls.ts';
import { makeCertificates } from '../../../sandbox/certificates.ts';
import { aBatch, aWebhook, someFiles } from './world.ts';

describe('listening with TLS', () => {
  const files = someFiles();
  let pairs: Awaited<ReturnType<typeof makeCertificates>>;
  let webhook: Awaited<ReturnType<typeof aWebhook>>;

  before(async () => {
    pairs = await makeCertificates();
    const tls = {
      certFile: files.write('cert', pairs.serving.certificate),
      keyFile: files.write('key', pairs.serving.key),
      clientCaFile: files.write('ca', pairs.ca.certificate),
    };
    const faults: string[] = [];
    const options = readTls(tls, faults) ?? assert.fail(faults.join());
    webhook = await aWebhook({ auth: { clientCertificates: true }, tls: { files: tls, options } });
  });
  after(async () => {
    await webhook.close();
    files.remove();
  });

  function statusFor(client?: { readonly certificate: string; readonly key: string }, path = '/alerts/alertmanager') {
    return new Promise<number | undefined>((resolve, reject) => {
      const method = path.startsWith('/alerts') ? 'POST' : 'GET';
      const headers = { 'content-type': 'application/json' };
      const identity = client && { cert: client.certificate, key: client.key };
      request(
        webhook.url + path,
        { method, headers, ca: pairs.ca.certificate, ...identity, agent: false },
        (response) => {
          response.resume();
          resolve(response.statusCode);
        },
      )
        .on('error', reject)
        .end(method === 'POST' ? JSON.stringify(aBatch()) : undefined);
    });
  }

  it('lets in who has a certificate of the authority, and nobody else', async () => {
    assert.equal(await statusFor(pairs.admin), 200);
    assert.equal(await statusFor(pairs.front), 401, 'of another authority');
    assert.equal(await statusFor(), 401, 'without any');
    assert.equal(await statusFor(undefined, '/healthz'), 200, 'the probes need none');
  });

  it('names every file that will not do', () => {
    const faultsOf = (certFile: string, keyFile: string, clientCaFile?: string) => {
      const faults: string[] = [];
      assert.equal(
        readTls({ certFile, keyFile, ...(clientCaFile !== undefined && { clientCaFile }) }, faults),
        undefined,
      );
      return faults;
    };
    const [cert, key] = [files.write('c', pairs.serving.certificate), files.write('k', pairs.serving.key)];
    assert.equal(faultsOf('/nowhere/cert', '/nowhere/key').length, 2);
    assert.match(faultsOf(cert, files.write('other', pairs.admin.key)).join(), /do not make a TLS listener/);
    assert.match(faultsOf(cert, key, files.write('empty', '')).join(), /no certificate in it/);
  });
});

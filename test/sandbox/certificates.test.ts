import assert from 'node:assert/strict';
import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto';
import { describe, it } from 'node:test';
import { makeCertificates } from '../../sandbox/certificates.ts';

describe('making certificates', async () => {
  const pairs = await makeCertificates();
  const authority = new X509Certificate(pairs.ca.certificate);
  const frontAuthority = new X509Certificate(pairs['front-ca'].certificate);

  for (const name of ['apiserver', 'admin', 'serving'] as const) {
    it(`has ${name} signed by the cluster's authority and by no other`, () => {
      const certificate = new X509Certificate(pairs[name].certificate);
      assert.ok(certificate.verify(authority.publicKey));
      assert.equal(certificate.verify(frontAuthority.publicKey), false);
      assert.ok(certificate.checkPrivateKey(createPrivateKey(pairs[name].key)));
    });
  }

  it('has the aggregator signed by the other authority, which may speak for any user', () => {
    const front = new X509Certificate(pairs.front.certificate);
    assert.ok(front.verify(frontAuthority.publicKey));
    assert.equal(front.verify(authority.publicKey), false);
  });

  it('names loopback where it is served, and the administrators group where it is shown', () => {
    const apiserver = new X509Certificate(pairs.apiserver.certificate);
    assert.equal(apiserver.checkIP('127.0.0.1'), '127.0.0.1');
    assert.equal(apiserver.checkHost('localhost'), 'localhost');
    assert.match(new X509Certificate(pairs.admin.certificate).subject, /O=system:masters/);
  });

  it('gives the service accounts a key pair that belongs together', () => {
    const { certificate, key } = pairs['service-account'];
    const derived = createPublicKey(createPrivateKey(key)).export({ type: 'spki', format: 'pem' });
    assert.equal(derived.toString(), certificate);
  });
});

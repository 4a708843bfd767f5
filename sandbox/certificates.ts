// oxlint-disable-next-line import/no-unassigned-import -- x509 resolves its parts by decorators and refuses to load without it
import 'reflect-metadata';
import * as x509 from '@peculiar/x509';
import type { webcrypto } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** P-256: made in a millisecond, where an RSA key takes up to a second of a start that is measured. */
const KEY = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const DAY_MS = 24 * 60 * 60 * 1000;

export interface Pair {
  /** Of the service accounts' key, which nobody certifies, the bare public key. */
  readonly certificate: string;
  readonly key: string;
}

interface Authority extends Pair {
  readonly issuer: string;
  readonly signingKey: webcrypto.CryptoKey;
}

/**
 * Two authorities, as in a real cluster: requests that bear a certificate of the second one may name any user
 * (that is how the API server speaks to the aggregated ones), so it must never sign a client's.
 */
export async function makeCertificates(): Promise<Readonly<Record<CertificateName, Pair>>> {
  const [authority, frontAuthority] = await Promise.all([
    makeAuthority('headroom-ca'),
    makeAuthority('headroom-front-ca'),
  ]);
  const [apiserver, admin, serving, front, serviceAccount] = await Promise.all([
    makeLeaf(authority, 'CN=kube-apiserver', [
      ...LOOPBACK,
      { type: 'ip', value: '10.0.0.1' },
      { type: 'dns', value: 'kubernetes.default.svc' },
    ]),
    makeLeaf(authority, 'O=system:masters, CN=headroom-admin', []),
    makeLeaf(authority, 'CN=headroom-serving', [
      ...LOOPBACK,
      { type: 'dns', value: 'metrics-server.kube-system.svc' },
      { type: 'dns', value: 'keda-metrics-apiserver.keda.svc' },
    ]),
    makeLeaf(frontAuthority, 'CN=front-proxy-client', []),
    makeKey(),
  ]);
  return {
    ca: authority,
    'front-ca': frontAuthority,
    apiserver,
    admin,
    serving,
    front,
    'service-account': {
      certificate: await exportPublicKey(serviceAccount.publicKey),
      key: await exportKey(serviceAccount.privateKey),
    },
  };
}

export type CertificateName = 'ca' | 'front-ca' | 'apiserver' | 'admin' | 'serving' | 'front' | 'service-account';

/** `<name>.crt` and `<name>.key`, readable by this user only. */
export function writeCertificates(directory: string, pairs: Readonly<Record<string, Pair>>): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  for (const [name, { certificate, key }] of Object.entries(pairs)) {
    writeFileSync(join(directory, `${name}.crt`), certificate);
    writeFileSync(join(directory, `${name}.key`), key, { mode: 0o600 });
  }
}

const LOOPBACK: readonly x509.JsonGeneralName[] = [
  { type: 'ip', value: '127.0.0.1' },
  { type: 'dns', value: 'localhost' },
];

/** A sandbox lives for days; the hour before now forgives a clock that is set back. */
const validity = () => ({
  notBefore: new Date(Date.now() - DAY_MS / 24),
  notAfter: new Date(Date.now() + 3650 * DAY_MS),
});

const makeKey = (): Promise<webcrypto.CryptoKeyPair> => crypto.subtle.generateKey(KEY, true, ['sign', 'verify']);

async function makeAuthority(commonName: string): Promise<Authority> {
  const keys = await makeKey();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: `CN=${commonName}`,
    ...validity(),
    signingAlgorithm: KEY,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.digitalSignature, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return {
    certificate: certificate.toString('pem'),
    key: await exportKey(keys.privateKey),
    issuer: certificate.subject,
    signingKey: keys.privateKey,
  };
}

async function makeLeaf(authority: Authority, subject: string, names: readonly x509.JsonGeneralName[]): Promise<Pair> {
  const keys = await makeKey();
  const certificate = await x509.X509CertificateGenerator.create({
    subject,
    issuer: authority.issuer,
    ...validity(),
    signingAlgorithm: KEY,
    publicKey: keys.publicKey,
    signingKey: authority.signingKey,
    extensions: [
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth, x509.ExtendedKeyUsage.clientAuth]),
      ...(names.length > 0 ? [new x509.SubjectAlternativeNameExtension([...names])] : []),
    ],
  });
  return { certificate: certificate.toString('pem'), key: await exportKey(keys.privateKey) };
}

async function exportKey(key: webcrypto.CryptoKey): Promise<string> {
  return pem('PRIVATE KEY', await crypto.subtle.exportKey('pkcs8', key));
}

async function exportPublicKey(key: webcrypto.CryptoKey): Promise<string> {
  return pem('PUBLIC KEY', await crypto.subtle.exportKey('spki', key));
}

function pem(label: string, bytes: ArrayBuffer): string {
  const lines = Buffer.from(bytes).toString('base64').replaceAll(/.{64}/g, '$&\n').trimEnd();
  return `-----BEGIN ${label}-----\n${lines}\n-----END ${label}-----\n`;
}

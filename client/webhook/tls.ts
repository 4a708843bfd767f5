import { readFileSync, statSync } from 'node:fs';
import type { Server } from 'node:https';
import { createSecureContext } from 'node:tls';
import type { WebhookLog } from './log.ts';

/** Paths of PEM files. With an authority, clients are asked for a certificate that it has signed. */
export interface TlsFiles {
  readonly certFile: string;
  readonly keyFile: string;
  readonly clientCaFile?: string;
}

/** Renewed certificates are found after this long at most; they are renewed days before they end. */
const LOOK_EVERY_MS = 30_000;

export interface TlsOptions {
  readonly cert: string;
  readonly key: string;
  readonly ca?: string;
}

/** What the files say, or every fault that they have. */
export function readTls({ certFile, keyFile, clientCaFile }: TlsFiles, faults: string[]): TlsOptions | undefined {
  const [cert, key, ca] = [certFile, keyFile, clientCaFile].map((path) => {
    try {
      return path === undefined ? undefined : readFileSync(path, 'utf8');
    } catch (error) {
      faults.push(`${path} cannot be read (${reasonOf(error)}); accepted is a PEM file`);
      return undefined;
    }
  });
  if (cert === undefined || key === undefined || (ca === undefined && clientCaFile !== undefined)) return undefined;
  const options = { cert, key, ...(ca !== undefined && { ca }) };
  try {
    createSecureContext(options);
    if (ca !== undefined && !ca.includes('-----BEGIN CERTIFICATE-----')) throw new Error('no certificate in it');
    return options;
  } catch (error) {
    const files = [certFile, keyFile, clientCaFile].filter((path) => path !== undefined).join(', ');
    faults.push(
      `${files} do not make a TLS listener (${reasonOf(error)}); accepted are PEM files that belong together`,
    );
    return undefined;
  }
}

/** Takes renewed files into use, for connections from then on; what does not fit together is logged, and the old ones stay. */
export function renewTls(server: Server, files: TlsFiles, log: WebhookLog): { readonly stop: () => void } {
  let seen = versionOf(files);
  const timer = setInterval(() => {
    const version = versionOf(files);
    if (version === seen) return;
    seen = version;
    const faults: string[] = [];
    const options = readTls(files, faults);
    if (options === undefined) return log.warn('the certificates before it stay', { faults });
    server.setSecureContext(options);
    log.info('certificates read again');
  }, LOOK_EVERY_MS).unref();
  return { stop: () => clearInterval(timer) };
}

function versionOf({ certFile, keyFile, clientCaFile = certFile }: TlsFiles): string {
  return [certFile, keyFile, clientCaFile]
    .map((path) => {
      const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
      return stat === undefined ? 'gone' : `${stat.ino} ${stat.size} ${stat.mtimeNs}`;
    })
    .join();
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return 'code' in error ? String(error.code) : error.message;
}

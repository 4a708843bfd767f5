import { readFileSync, statSync } from 'node:fs';
import type { WebhookLog } from './log.ts';

/** The secrets that count now: one, or two while one takes the other's place. */
export type Secrets = (nowMs: number) => readonly string[];

/** How a file's lines must look. */
export interface SecretForm {
  readonly pattern: RegExp;
  readonly accepted: string;
}

const LOOK_EVERY_MS = 1_000;
const MOST_ACTIVE = 2;

/**
 * A file with one secret a line, read again when it has changed. A file that is gone, empty or faulty keeps the last good
 * secrets and is logged once: a slip while rotating must not lock every sender out. At the start it is a fault.
 */
export function openSecrets(path: string, form: SecretForm, log: WebhookLog, faults: string[]): Secrets {
  let seen = versionOf(path);
  let lookedMs = Number.NEGATIVE_INFINITY;
  const first = readSecrets(path, form);
  if (typeof first === 'string') faults.push(first);
  let secrets = typeof first === 'string' ? [] : first;
  return (nowMs) => {
    if (Math.abs(nowMs - lookedMs) < LOOK_EVERY_MS) return secrets;
    lookedMs = nowMs;
    const version = versionOf(path);
    if (version === seen) return secrets;
    seen = version;
    const read = readSecrets(path, form);
    if (typeof read === 'string') log.warn('the secrets before it stay', { fault: read });
    else {
      secrets = read;
      log.info('secrets read again', { file: path, active: read.length });
    }
    return secrets;
  };
}

/** The secrets, or what is wrong with the file; never what stands in it. */
function readSecrets(path: string, { pattern, accepted }: SecretForm): readonly string[] | string {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    return `${path} cannot be read (${codeOf(error)}); accepted is a file with ${accepted} a line`;
  }
  const lines = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const bad = lines.findIndex((line) => !pattern.test(line));
  if (bad !== -1)
    return `${path} has a secret, number ${bad + 1}, that is not accepted; accepted is ${accepted} a line`;
  if (lines.length === 0) return `${path} is empty; accepted is ${accepted} a line`;
  if (lines.length > MOST_ACTIVE)
    return `${path} has ${lines.length} secrets; accepted are one, or two while one takes the other's place`;
  return lines;
}

/** Differs when the file was written or replaced. */
function versionOf(path: string): string {
  try {
    const { ino, size, mtimeNs, ctimeNs } = statSync(path, { bigint: true });
    return [ino, size, mtimeNs, ctimeNs].join(' ');
  } catch (error) {
    return codeOf(error);
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}

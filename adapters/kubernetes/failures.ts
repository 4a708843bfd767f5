import type { ApplicationFailure } from '@temporalio/common';
import { failure } from '../../activities/failure.ts';
import type { FailureType } from '../../domain/failures.ts';
import { CredentialError } from './credentials.ts';

/** What the API server answered. */
export interface Answer {
  readonly status: number;
  readonly text: string;
  /** From Retry-After. */
  readonly retryAfterMs?: number;
}

/** What was asked, in the words of RBAC: { verb: 'patch', target: 'deployments.apps tensafe/web' }. */
export interface Deed {
  readonly verb: 'get' | 'list' | 'watch' | 'patch' | 'create' | 'delete';
  readonly target: string;
  /** host:port of the API server. */
  readonly server: string;
}

/** metav1.Status, as far as it is read. The body of an error is a string, and not always JSON (R5). */
export interface StatusBody {
  readonly message?: string;
  readonly reason?: string;
  readonly details?: {
    readonly name?: string;
    readonly causes?: readonly { readonly reason?: string; readonly field?: string; readonly message?: string }[];
  };
}

const TYPES: { readonly [status: number]: FailureType } = {
  400: 'invalidRequest',
  403: 'permissionDenied',
  404: 'targetNotFound',
  408: 'apiUnavailable',
  409: 'stateConflict',
  422: 'invalidRequest',
  429: 'apiThrottled',
};

/** The one place where the API server's refusals become the words of the failure table. */
export function asFailure(answer: Answer, deed: Deed): ApplicationFailure {
  const { status, retryAfterMs } = answer;
  const body = readStatus(answer.text);
  const said = saidBy(body, answer.text);
  const type = TYPES[status] ?? (status >= 400 && status < 500 ? 'invalidRequest' : 'apiUnavailable');
  const options = retryAfterMs === undefined ? {} : { retryAfterMs };
  if (status === 403) return refusal(said, deed);
  if (status === 404) return failure('targetNotFound', `${deed.target} is not there: ${said}`);
  return failure(type, `cannot ${act(deed)}: ${deed.server} answers ${status}, ${said}`, options);
}

/** A 401 also with fresh credentials: nothing that waiting would mend. */
export function refusedCredentials(deed: Deed, whatHelps: string): ApplicationFailure {
  return failure('permissionDenied', `${deed.server} does not accept the credentials to ${act(deed)}; ${whatHelps}`);
}

const MISSING_RIGHT = /User "([^"]+)" cannot (\S+) resource/;

/** RBAC refuses; a 403 may also come from a webhook, or say that a namespace is going away. */
export function isMissingRight({ status, text }: Answer): boolean {
  return status === 403 && MISSING_RIGHT.test(readStatus(text).message ?? '');
}

/** KEDA's webhook answers 403 when two autoscalers claim one workload: a conflict, not a missing permission (R20). */
function refusal(said: string, deed: Deed): ApplicationFailure {
  if (said.includes('already managed by')) {
    return failure('stateConflict', `cannot ${act(deed)}: ${said}; leave one autoscaler in charge`);
  }
  const rbac = MISSING_RIGHT.exec(said);
  if (rbac === null) return failure('permissionDenied', `may not ${act(deed)}: ${said}`);
  // the one right that only those have who remove nodes of Karpenter's
  const manifest = deed.verb === 'delete' ? 'deploy/karpenter/rbac.yaml' : 'deploy/kubernetes/rbac.yaml';
  return failure('permissionDenied', `${rbac[1]} may not ${act(deed)}; grant it as ${manifest} does`);
}

/** No answer: a refused, broken or hanging connection. Whether a write was carried out is not known. */
export function asConnectionFailure(error: unknown, deed: Deed, deadlineMs: number): ApplicationFailure {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  if (error instanceof CredentialError)
    return failure('apiUnavailable', `cannot ${act(deed)}: ${shorten(error.message)}`, {
      cause: error,
    });
  const timedOut = cause instanceof Error && cause.name === 'TimeoutError';
  const why = timedOut ? `no answer within ${deadlineMs / 1000} s` : errorText(cause);
  return failure('apiUnavailable', `cannot ${act(deed)}: ${deed.server}: ${why}`, { cause: error });
}

function errorText(error: unknown): string {
  if (!(error instanceof Error)) return 'connection failed';
  const code = 'code' in error && typeof error.code === 'string' ? error.code : error.name;
  return shorten(error.message === '' ? code : `${code}, ${error.message}`);
}

/** A failed `test` of a JSON Patch is a 422 that names neither object nor cause (R28). */
export function isFailedGuard({ status, text }: Answer): boolean {
  if (status === 409) return true;
  if (status !== 422) return false;
  const details = readStatus(text).details;
  return details?.name === undefined && (details?.causes ?? []).length === 0;
}

export function readStatus(text: string): StatusBody {
  try {
    const body: unknown = JSON.parse(text);
    return typeof body === 'object' && body !== null ? body : {};
  } catch {
    return {};
  }
}

function saidBy({ message, reason }: StatusBody, text: string): string {
  return shorten(message ?? reason ?? (text === '' ? 'without a word' : text));
}

function act({ verb, target }: Deed): string {
  return `${verb} ${target}`;
}

/** Bodies may be whole pages; a failure in Temporal's history should stay readable. */
function shorten(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  return line.length > 300 ? `${line.slice(0, 299)}…` : line;
}

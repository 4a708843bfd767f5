import { ApplicationFailure } from '@temporalio/common';
import { failure } from '../../activities/failure.ts';
import type { FailureType } from '../../domain/failures.ts';

/** What was asked, in the words of IAM. */
export interface Deed {
  /** `eks:DescribeNodegroup` */
  readonly action: string;
  /** `node group gpu-workers` */
  readonly target: string;
}

/**
 * By `error.name`: the SDK's classes and messages change, and the Query API's errors that it knows end in `Fault` there, and not
 * on the wire. What is not here goes by its HTTP status.
 */
const TYPES: Readonly<Record<string, FailureType>> = {
  AccessDenied: 'permissionDenied',
  AccessDeniedException: 'permissionDenied',
  UnauthorizedOperation: 'permissionDenied',
  ResourceNotFoundException: 'targetNotFound',
  NotFoundException: 'targetNotFound',
  // EKS says either of a group that is not ACTIVE (R62)
  ResourceInUseException: 'stateConflict',
  InvalidRequestException: 'stateConflict',
  InvalidStateException: 'stateConflict',
  ScalingActivityInProgressFault: 'stateConflict',
  ResourceContentionFault: 'stateConflict',
  ResourceInUseFault: 'stateConflict',
  Throttling: 'apiThrottled',
  ThrottlingException: 'apiThrottled',
  ThrottledException: 'apiThrottled',
  RequestLimitExceeded: 'apiThrottled',
  RequestThrottled: 'apiThrottled',
  RequestThrottledException: 'apiThrottled',
  TooManyRequestsException: 'apiThrottled',
  ValidationError: 'invalidRequest',
  InvalidParameterException: 'invalidRequest',
  ClientException: 'invalidRequest',
  ResourceLimitExceededException: 'invalidRequest',
};

/** AWS does not believe who asks. An expired token is renewed by whoever issued it, so that one is worth another try. */
const CREDENTIALS: Readonly<Record<string, FailureType>> = {
  CredentialsProviderError: 'permissionDenied',
  UnrecognizedClientException: 'permissionDenied',
  InvalidClientTokenId: 'permissionDenied',
  SignatureDoesNotMatch: 'permissionDenied',
  InvalidSignatureException: 'permissionDenied',
  IncompleteSignature: 'permissionDenied',
  MissingAuthenticationToken: 'permissionDenied',
  ExpiredToken: 'apiUnavailable',
  ExpiredTokenException: 'apiUnavailable',
  RequestExpired: 'apiUnavailable',
};

const WHAT_HELPS: Partial<Readonly<Record<FailureType, string>>> = {
  permissionDenied: 'allow it as deploy/iam/headroom-policy.json does',
};

/** The one place where AWS's refusals become the words of the failure table. */
export function asFailure(error: unknown, deed: Deed): ApplicationFailure {
  const { name, message, status, retryAfterMs } = readError(error);
  const told = { cause: error, ...(retryAfterMs !== undefined && { retryAfterMs }) };
  const ofCredentials = CREDENTIALS[name];
  if (ofCredentials !== undefined) {
    const help = 'give the worker AWS credentials (IRSA, Pod Identity or the AWS_* variables)';
    // of a signature AWS tells all that was signed, a session token too
    if (/signature/i.test(name)) return failure(ofCredentials, `cannot ${ask(deed)}: ${name}; ${help}`);
    return failure(ofCredentials, `cannot ${ask(deed)}: ${name}, ${message}; ${help}`, told);
  }
  const type = TYPES[name] ?? typeOf(status);
  const help = WHAT_HELPS[type];
  return failure(type, `cannot ${ask(deed)}: ${name}, ${message}${help === undefined ? '' : `; ${help}`}`, told);
}

/** No answer in time: whether a change was carried out is not known. */
export function asTimeout(deadlineMs: number, deed: Deed): ApplicationFailure {
  return failure('apiUnavailable', `cannot ${ask(deed)}: no answer within ${deadlineMs / 1_000} s`);
}

/** A refusal that is an answer: AWS has no code of its own for it, only words. */
export function isRefusal(error: unknown, words: RegExp): boolean {
  const cause = error instanceof ApplicationFailure ? error.cause : undefined;
  return cause !== undefined && cause.name === 'ValidationError' && words.test(cause.message);
}

/** Without a status there was no answer that could be read: the connection broke, or it was no answer of AWS. */
function typeOf(status: number | undefined): FailureType {
  if (status === 429) return 'apiThrottled';
  if (status === 401 || status === 403) return 'permissionDenied';
  return status !== undefined && status >= 400 && status < 500 ? 'invalidRequest' : 'apiUnavailable';
}

interface AwsError {
  readonly name: string;
  readonly message: string;
  readonly status?: number;
  readonly retryAfterMs?: number;
}

/** As the SDK decorates what it throws; the header's seconds, and AWS's own in milliseconds. */
interface Decorations {
  readonly $metadata?: { readonly httpStatusCode?: number };
  readonly $response?: { readonly headers?: Readonly<Record<string, string>> };
  readonly code?: string;
}

function readError(error: unknown): AwsError {
  if (!(error instanceof Error)) return { name: 'Error', message: shorten(String(error)) };
  const { $metadata, $response, code } = error as Error & Decorations;
  const status = $metadata?.httpStatusCode;
  const headers = $response?.headers ?? {};
  const retryAfterMs = Number(headers['x-amz-retry-after'] ?? Number(headers['retry-after'] ?? Number.NaN) * 1_000);
  return {
    name: error.name === 'Error' && typeof code === 'string' ? code : error.name,
    message: shorten(error.message === '' ? 'without a word' : error.message),
    ...(status !== undefined && { status }),
    ...(retryAfterMs > 0 && { retryAfterMs }),
  };
}

const ask = ({ action, target }: Deed): string => `${action} on ${target}`;

/** A message may be a whole page; a failure in Temporal's history should stay readable. */
function shorten(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  return line.length > 300 ? `${line.slice(0, 299)}…` : line;
}

import { AsyncLocalStorage } from 'node:async_hooks';
import type { AutoScaling } from '@aws-sdk/client-auto-scaling';
import type { EKS } from '@aws-sdk/client-eks';
import { ApplicationFailure } from '@temporalio/common';
import { failure } from '../../activities/failure.ts';
import type { Call } from '../../activities/ports.ts';
import { PRODUCT } from '../user-agent.ts';
import { asFailure, asTimeout, type Deed } from './failures.ts';

export interface AwsOptions {
  /** Absent: as the SDK finds it (AWS_REGION, the profile, the instance). */
  readonly region?: string;
  /** Absent: AWS, or what AWS_ENDPOINT_URL_EKS and AWS_ENDPOINT_URL_AUTO_SCALING say. */
  readonly endpoint?: string;
  /** Absent: the SDK's own chain: variables, profile, IRSA, Pod Identity. */
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string };
  readonly readDeadlineMs?: number;
  readonly writeDeadlineMs?: number;
}

interface Services {
  readonly eks: EKS;
  readonly autoScaling: AutoScaling;
}

/** What each request takes besides its input. */
interface Http {
  readonly abortSignal: AbortSignal;
}

type Send<T> = (services: Services, http: Http) => Promise<T>;

export interface AwsClients {
  /** Repeated once and soon, as reads of the API server are; all other patience is Temporal's, where it can be seen. */
  read<T>(deed: Deed, call: Call, send: Send<T>): Promise<T>;
  /** Where requests go, and that somebody's credentials are there to sign them; sends nothing to EKS or Auto Scaling. */
  locate(call: Call): Promise<{ readonly region: string }>;
  /** Sent once. The SDK's default would send a terminate again after a lost reply, and each of them decrements (R57). */
  write<T>(deed: Deed, call: Call, send: Send<T>): Promise<T>;
}

/** Describe calls answer in well under a second; the SDK itself would wait for ever. */
const READ_DEADLINE_MS = 10_000;
const WRITE_DEADLINE_MS = 30_000;

/** Nothing is loaded or configured before the first request: a worker that has no AWS never notices. */
export function createAwsClients(options: AwsOptions): AwsClients {
  const { readDeadlineMs = READ_DEADLINE_MS, writeDeadlineMs = WRITE_DEADLINE_MS } = options;

  function sender(maxAttempts: number, deadlineMs: number) {
    let services: Promise<Services> | undefined;
    async function connected(): Promise<Services> {
      services ??= connect(options, maxAttempts);
      // a region may be configured by the next time
      services.catch(() => (services = undefined));
      return services;
    }
    return async function exchange<T>(deed: Deed, { signal, caller }: Call, send: Send<T>): Promise<T> {
      const deadline = AbortSignal.timeout(deadlineMs);
      const abortSignal = AbortSignal.any([signal, deadline]);
      try {
        const answer = callers.run(caller, async () => send(await connected(), { abortSignal }));
        // the search for credentials takes no signal
        return await Promise.race([answer, aborted(abortSignal)]);
      } catch (error) {
        signal.throwIfAborted();
        if (error instanceof ApplicationFailure) throw error;
        throw deadline.aborted ? asTimeout(deadlineMs, deed) : asFailure(error, deed);
      }
    };
  }

  const read = sender(2, readDeadlineMs);
  const locate = (call: Call) =>
    read({ action: 'act', target: 'AWS' }, call, async ({ eks }) => {
      await eks.config.credentials();
      return { region: await eks.config.region() };
    });
  return { read, locate, write: sender(1, writeDeadlineMs) };
}

/** The SDK asks for a request's User-Agent inside of `send`, which takes nothing of ours: whose request it is goes beside it. */
const callers = new AsyncLocalStorage<string>();

async function connect({ region, endpoint, credentials }: AwsOptions, maxAttempts: number): Promise<Services> {
  // together a fifth of a second and 30 MB
  const [{ EKS }, { AutoScaling }] = await Promise.all([
    import('@aws-sdk/client-eks'),
    import('@aws-sdk/client-auto-scaling'),
  ]);
  const settings = {
    maxAttempts,
    // adaptive would hold back later calls of others, too
    retryMode: 'standard',
    ...(region !== undefined && { region }),
    ...(endpoint !== undefined && { endpoint }),
    ...(credentials !== undefined && { credentials }),
  };
  const [eks, autoScaling] = [new EKS(settings), new AutoScaling(settings)];
  eks.middlewareStack.add(named, { step: 'initialize' });
  autoScaling.middlewareStack.add(named, { step: 'initialize' });
  await eks.config.region().catch(refuseWithoutRegion);
  return { eks, autoScaling };
}

interface Context {
  userAgent?: [name: string, version?: string][];
}

function named<Args, Output>(next: (args: Args) => Promise<Output>, context: Context) {
  return (args: Args): Promise<Output> => {
    const [product, version] = PRODUCT;
    context.userAgent = [...(context.userAgent ?? []), [product, version], [callers.getStore() ?? '']];
    return next(args);
  };
}

function refuseWithoutRegion(error: unknown): never {
  if (!(error instanceof Error) || error.message !== 'Region is missing') throw error;
  const help = 'set cluster.eks.region in headroom.yaml, or AWS_REGION for the worker';
  throw failure('invalidRequest', `AWS is not configured: there is no region; ${help}`, { cause: error });
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }));
}

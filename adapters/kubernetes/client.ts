import { setTimeout as sleep } from 'node:timers/promises';
import { HttpMethod, PatchStrategy, RequestContext } from '@kubernetes/client-node';
import { request as send } from 'undici';
import { failure } from '../../activities/failure.ts';
import type { Call } from '../../activities/ports.ts';
import type { Json } from '../../domain/json.ts';
import { userAgent } from '../user-agent.ts';
import { createAbsentKinds } from './absent-kinds.ts';
import { createCredentials, type Signature } from './credentials.ts';
import {
  asConnectionFailure,
  asFailure,
  isFailedGuard,
  isMissingRight,
  refusedCredentials,
  type Answer,
  type Deed,
} from './failures.ts';
import type { KubeConfigOptions } from './kube-config.ts';
import { describeAddress, isOptional, pathOf, resourceOf, type Address, type Kind, type RawObject } from './kinds.ts';
import { createTurns } from './turns.ts';

export interface KubernetesOptions extends KubeConfigOptions {
  readonly readDeadlineMs?: number;
  readonly writeDeadlineMs?: number;
  /** How long a kind that is not installed is not asked for again. */
  readonly absentForMs?: number;
}

export type JsonPatch = readonly {
  readonly op: 'test' | 'add' | 'replace' | 'remove';
  readonly path: string;
  readonly value?: Json;
}[];

/** The API server as raw JSON: pooled connections, a deadline and the caller's name on every request, typed failures (R1). */
export interface KubernetesClient {
  /** The object, or undefined when it is not there. */
  find<K extends Kind>(
    address: Address & { readonly kind: K; readonly name: string },
    call: Call,
  ): Promise<RawObject<K> | undefined>;
  /** The whole list as it is now, page by page; empty while the kind is one that need not be installed, and is not. */
  list<K extends Kind>(
    address: Address & { readonly kind: K },
    selectors: Selectors,
    call: Call,
  ): Promise<readonly RawObject<K>[]>;
  /** The same, with the version of the list that a watch goes on from. */
  snapshot<K extends Kind>(
    address: Address & { readonly kind: K },
    selectors: Selectors,
    call: Call,
  ): Promise<Snapshot<K>>;
  /** The object as it stands then; undefined when a guard failed or the object is gone: nothing was written. */
  patch<K extends Kind>(
    address: Address & { readonly kind: K; readonly name: string },
    patch: JsonPatch,
    call: Call,
  ): Promise<RawObject<K> | undefined>;
  /**
   * DELETE of this object in this version, sent once. 'raced': it is another one or has changed; nothing was deleted. With a
   * finalizer it is there until that is removed.
   */
  remove(
    address: Address & { readonly name: string },
    preconditions: { readonly uid: string; readonly resourceVersion: string },
    call: Call,
  ): Promise<'asked' | 'raced' | 'gone'>;
  /** Whether RBAC grants it to us. */
  may(verb: Deed['verb'], of: Pick<Address, 'kind'>, call: Call): Promise<boolean>;
  /** POST to a subresource, sent once. Whatever its status, the answer is the caller's to read; a missing right fails. */
  create(address: Address & { readonly subresource: string }, body: Json, call: Call): Promise<Answer>;
  /** Each line of a long answer (a watch) as it comes; no deadline but the caller's signal. Ends where the server ends it. */
  stream(address: Address, query: Readonly<Record<string, string>>, call: Call): AsyncIterable<string>;
  /** There is a sign of this kind: it is asked for again, and never taken for absent from now on. */
  expect(kind: Kind): void;
  /** The same object for as long as surely the same API server answers; another after a connection or credentials failed. */
  session(): Session;
}

export type Session = object;

export interface Snapshot<K extends Kind> {
  readonly items: readonly RawObject<K>[];
  /** Empty where the kind is not installed. */
  readonly resourceVersion: string;
  /** False: the kind is one that need not be installed, and is not. */
  readonly isServed: boolean;
}

export interface Selectors {
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** '0': as the API server remembers it. */
  readonly resourceVersion?: string;
}

/** A read is answered within milliseconds or not at all; a write may wait for admission webhooks (10 s each by default). */
const READ_DEADLINE_MS = 10_000;
const WRITE_DEADLINE_MS = 30_000;
/** The dispatcher opens a connection for each parallel request and knows no limit (R2). */
const MAX_PARALLEL = 64;
/** kubectl's chunk: what one page of a list may hold. */
const PAGE = 500;
const MAX_RELISTS = 3;
/** For so long after it was lost an API server may have only just started, and one that has not read its roles yet refuses everybody. */
const YOUNG_MS = 30_000;
const ROLES_READ_AFTER_MS = 1_000;
const MAX_DOUBTS = 3;

export function createKubernetesClient(options: KubernetesOptions): KubernetesClient {
  const credentials = createCredentials(options);
  const base = credentials.server;
  const server = new URL(base).host;
  const deadlines = {
    read: options.readDeadlineMs ?? READ_DEADLINE_MS,
    write: options.writeDeadlineMs ?? WRITE_DEADLINE_MS,
  };
  const inTurn = createTurns(MAX_PARALLEL);
  const absent = createAbsentKinds(options.absentForMs);
  let session: Session = {};
  let lostAtMs = -Infinity;

  function beginSession(): void {
    session = {};
    lostAtMs = Date.now();
    absent.forget();
  }

  async function open(request: Request, signal: AbortSignal, caller: string) {
    const context = new RequestContext(`${base}${request.path}`, request.method);
    for (const [name, value] of Object.entries(request.query)) context.setQueryParam(name, value);
    context.setHeaderParam('Accept', 'application/json');
    if (request.body !== undefined) {
      const patched = request.method === HttpMethod.PATCH;
      context.setHeaderParam('Content-Type', patched ? PatchStrategy.JsonPatch : 'application/json');
    }
    const signature = await credentials.sign(context, signal);
    context.setHeaderParam('User-Agent', userAgent(caller));
    const dispatcher = context.getDispatcher();
    // the library's own way, fetch, takes longer
    const { statusCode, headers, body } = await send(context.getUrl(), {
      method: request.method,
      headers: context.getHeaders(),
      body: request.body === undefined ? null : JSON.stringify(request.body),
      signal,
      ...(dispatcher !== undefined && { dispatcher }),
    });
    return { status: statusCode, body, signature, ...retryAfter([headers['retry-after']].flat()[0]) };
  }

  async function exchange(request: Request, signal: AbortSignal, caller: string): Promise<Signed> {
    const { body, ...answer } = await open(request, signal, caller);
    return { ...answer, text: await body.text() };
  }

  /** Like a 401 it is refused before anything was done, so that a write may be repeated too. */
  function isDoubtful(outcome: Answer | { readonly lost: unknown }): boolean {
    return !('lost' in outcome) && isMissingRight(outcome) && Date.now() - lostAtMs < YOUNG_MS;
  }

  /** One answer, whatever its status. A read is repeated once and soon; all other patience is Temporal's, where it can be seen. */
  async function ask(request: Request, { signal, caller }: Call): Promise<Answer> {
    const deadlineMs = request.body === undefined ? deadlines.read : deadlines.write;
    const either = AbortSignal.any([signal, AbortSignal.timeout(deadlineMs)]);
    const attempt = async () => {
      const outcome = await inTurn(() => exchange(request, either, caller)).catch((error: unknown) => ({
        lost: error,
      }));
      // a caller that gives up says nothing of the server
      if (!signal.aborted && ('lost' in outcome || outcome.status === 401)) beginSession();
      return outcome;
    };
    let outcome = await attempt();
    if (!either.aborted && isWorthRepeating(request, outcome)) {
      if ('signature' in outcome && outcome.status === 401)
        await credentials.renew(outcome.signature, either).catch(() => undefined);
      else await sleep(100 + Math.random() * 200);
      outcome = await attempt();
    }
    for (let doubts = 0; doubts < MAX_DOUBTS && isDoubtful(outcome); doubts += 1) {
      await sleep(ROLES_READ_AFTER_MS, undefined, { signal: either }).catch(() => undefined);
      if (either.aborted) break;
      outcome = await attempt();
    }
    if (!('lost' in outcome)) {
      if (outcome.status === 401) throw refusedCredentials(request.deed, credentials.describe());
      return outcome;
    }
    signal.throwIfAborted();
    throw asConnectionFailure(either.aborted ? either.reason : outcome.lost, request.deed, deadlineMs);
  }

  async function find<K extends Kind>(address: Address & { readonly kind: K; readonly name: string }, call: Call) {
    const deed: Deed = { verb: 'get', target: describeAddress(address), server };
    const answer = await ask({ method: HttpMethod.GET, path: pathOf(address), query: {}, deed }, call);
    if (answer.status === 404) return undefined;
    const object: RawObject<K> = readBody(answer, deed);
    return object;
  }

  async function snapshot<K extends Kind>(
    address: Address & { readonly kind: K },
    selectors: Selectors,
    call: Call,
  ): Promise<Snapshot<K>> {
    if (absent.has(address.kind)) return NOT_SERVED;
    const asked = session;
    const deed: Deed = { verb: 'list', target: describeAddress(address), server };
    const request = { method: HttpMethod.GET, path: pathOf(address), deed };
    let items: readonly RawObject<K>[] = [];
    let next = '';
    for (let relists = 0; ;) {
      const answer = await ask(
        { ...request, query: { limit: String(PAGE), ...selectors, ...(next !== '' && { continue: next }) } },
        call,
      );
      if (answer.status === 404 && isOptional(address.kind)) {
        // else it may be another server that has it not
        if (asked === session) absent.noteMissing(address.kind);
        return NOT_SERVED;
      }
      if (answer.status === 410 && next !== '' && relists < MAX_RELISTS) {
        // the snapshot behind the page token is gone: begin again
        [items, next, relists] = [[], '', relists + 1];
        continue;
      }
      const page: Page<K> = readBody(answer, deed);
      absent.noteFound(address.kind);
      items = [...items, ...(page.items ?? [])];
      next = page.metadata?.continue ?? '';
      if (next === '') return { items, resourceVersion: page.metadata?.resourceVersion ?? '', isServed: true };
    }
  }

  async function patch<K extends Kind>(
    address: Address & { readonly kind: K; readonly name: string },
    operations: JsonPatch,
    call: Call,
  ) {
    const deed: Deed = { verb: 'patch', target: describeAddress(address), server };
    // a misspelt key of a custom resource would be dropped in silence (R7)
    const query = { fieldManager: 'headroom', fieldValidation: 'Strict' };
    const answer = await ask({ method: HttpMethod.PATCH, path: pathOf(address), query, body: operations, deed }, call);
    if (answer.status === 404 || isFailedGuard(answer)) return undefined;
    const object: RawObject<K> = readBody(answer, deed);
    return object;
  }

  async function remove(
    address: Address & { readonly name: string },
    preconditions: { readonly uid: string; readonly resourceVersion: string },
    call: Call,
  ) {
    const deed: Deed = { verb: 'delete', target: describeAddress(address), server };
    const body = { apiVersion: 'v1', kind: 'DeleteOptions', preconditions };
    const answer = await ask({ method: HttpMethod.DELETE, path: pathOf(address), query: {}, body, deed }, call);
    if (answer.status === 404) return 'gone';
    if (answer.status === 409) return 'raced';
    if (answer.status >= 300) throw asFailure(answer, deed);
    return 'asked';
  }

  async function may(verb: Deed['verb'], { kind }: Pick<Address, 'kind'>, call: Call) {
    const review = { kind: 'SelfSubjectAccessReview' } as const;
    const deed: Deed = { verb: 'create', target: describeAddress(review), server };
    const { group, plural: resource } = resourceOf(kind);
    const body = {
      apiVersion: 'authorization.k8s.io/v1',
      ...review,
      spec: { resourceAttributes: { group, resource, verb } },
    };
    const answer = await ask({ method: HttpMethod.POST, path: pathOf(review), query: {}, body, deed }, call);
    const { status }: RawObject<'SelfSubjectAccessReview'> = readBody(answer, deed);
    return status?.allowed === true;
  }

  async function create(address: Address & { readonly subresource: string }, body: Json, call: Call) {
    const deed: Deed = { verb: 'create', target: describeAddress(address), server };
    const query = { fieldManager: 'headroom' };
    const answer = await ask({ method: HttpMethod.POST, path: pathOf(address), query, body, deed }, call);
    if (isMissingRight(answer)) throw asFailure(answer, deed);
    return answer;
  }

  async function* stream(address: Address, query: Readonly<Record<string, string>>, { signal, caller }: Call) {
    const deed: Deed = { verb: 'watch', target: describeAddress(address), server };
    const request = { method: HttpMethod.GET, path: pathOf(address), query, deed };
    const noteLoss = (): void => {
      if (!signal.aborted) beginSession();
    };
    const { body, ...answer } = await open(request, signal, caller).catch((error: unknown) => {
      noteLoss();
      throw error;
    });
    if (answer.status !== 200) throw asFailure({ ...answer, text: await body.text() }, deed);
    let rest = '';
    body.setEncoding('utf8');
    // a broken stream fails here; readline would not hear of it
    body.once('error', noteLoss);
    for await (const chunk of body) {
      const lines = `${rest}${chunk}`.split('\n');
      rest = lines.pop() ?? '';
      yield* lines;
    }
  }

  const list: KubernetesClient['list'] = async (...asked) => (await snapshot(...asked)).items;

  return {
    find,
    list,
    snapshot,
    patch,
    remove,
    may,
    create,
    stream,
    expect: (kind) => absent.noteFound(kind),
    session: () => session,
  };
}

const NOT_SERVED = { items: [], resourceVersion: '', isServed: false } as const;

interface Page<K extends Kind> {
  readonly items?: readonly RawObject<K>[];
  readonly metadata?: { readonly continue?: string; readonly resourceVersion?: string };
}

/** An answer, and what the question was signed with. */
interface Signed extends Answer {
  readonly signature: Signature;
}

interface Request {
  readonly method: 'GET' | 'PATCH' | 'POST' | 'DELETE';
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  /** Of a write. */
  readonly body?: Json;
  readonly deed: Deed;
}

/** A 401 is refused before anything was done, so it may be repeated with fresh credentials, a write too (R13). */
function isWorthRepeating({ body }: Request, outcome: Answer | { readonly lost: unknown }): boolean {
  if ('lost' in outcome) return body === undefined;
  if (outcome.status === 401) return true;
  return body === undefined && outcome.status >= 500 && (outcome.retryAfterMs ?? 0) <= 1_000;
}

/** JSON, of the type that the caller gives it: the API server's word is taken for its own schema. */
function readBody(answer: Answer, deed: Deed) {
  if (answer.status < 200 || answer.status >= 300) throw asFailure(answer, deed);
  try {
    return JSON.parse(answer.text);
  } catch (error) {
    throw failure(
      'apiUnavailable',
      `cannot ${deed.verb} ${deed.target}: ${deed.server} answers with something that is not JSON`,
      { cause: error },
    );
  }
}

/** Kubernetes sends seconds; a proxy in between may send a date. */
function retryAfter(header: string | undefined): { readonly retryAfterMs?: number } {
  if (header === undefined) return {};
  const seconds = Number(header);
  const retryAfterMs = Number.isFinite(seconds) ? seconds * 1_000 : Date.parse(header) - Date.now();
  return retryAfterMs > 0 ? { retryAfterMs } : {};
}

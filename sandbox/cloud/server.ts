import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import type { GroupSizes } from '../../domain/node-group.ts';
import { readAutoScalingRequest } from './auto-scaling-api.ts';
import type { CloudCore } from './core.ts';
import { readEksRequest } from './eks-api.ts';
import { statusOf, type Faults } from './faults.ts';
import { Refusal } from './model.ts';
import type { CloudRequest, Resource } from './request.ts';
import { renderError, renderReply } from './xml.ts';

/** One request that arrived, whatever became of it: what tests count. */
export interface CloudCall {
  readonly atMs: number;
  /** `eks:UpdateNodegroupConfig`; what could not be read is `unknown`. */
  readonly action: string;
  readonly path: string;
  readonly body: string;
  /** clientRequestToken; null where the operation has none. */
  readonly token: string | null;
  /** `<workflowId>/<runId>` of headroom's User-Agent; else the whole of it. */
  readonly caller: string;
  readonly accessKeyId: string;
  /** `done`, the code of a refusal, or the weather that took it: `reset-after`. */
  readonly outcome: string;
  /** The groups as it found them. */
  readonly found: readonly FoundGroup[];
}

export interface FoundGroup {
  readonly name: string;
  readonly autoScalingGroup: string;
  readonly live: GroupSizes;
  /** Ids of those that do not go. */
  readonly instances: readonly string[];
}

export interface ServerSettings {
  readonly core: CloudCore;
  readonly faults: Faults;
  /** By access key: what it may do. A key that is not here is nobody's. Signatures are not looked at. */
  readonly keys: Readonly<Record<string, (action: string, resource: Resource) => boolean>>;
  readonly onCall: (call: CloudCall) => void;
  /** Lets everything happen that was to happen by now, before and after each request. */
  readonly advance: (nowMs: number) => void;
}

interface Answer {
  readonly outcome: string;
  /** Absent: none is sent. */
  readonly send?: () => void;
}

/** EKS and Auto Scaling on one port: a form is for Auto Scaling, all else for EKS. */
export function createCloudServer(settings: ServerSettings): Server {
  let count = 0;
  return createServer((incoming, response) => {
    count += 1;
    void serve(incoming, response, `request-${count}`).catch(() => response.destroy());
  });

  async function serve(incoming: IncomingMessage, response: ServerResponse, requestId: string): Promise<void> {
    const { pathname: path, searchParams: query } = new URL(incoming.url ?? '/', 'http://stand-in');
    const isForm = incoming.headers['content-type']?.startsWith('application/x-www-form-urlencoded') ?? false;
    const call = { method: incoming.method ?? '', path, query, body: await text(incoming) };
    const nowMs = Date.now();
    const accessKeyId = /Credential=([^/]+)\//.exec(incoming.headers.authorization ?? '')?.[1] ?? '';
    const reply = isForm ? autoScalingReply(response, requestId) : eksReply(response, requestId);
    settings.advance(nowMs);
    const found = groupsOf(settings.core);
    let request: CloudRequest | undefined;
    let answer: Answer;
    try {
      request = isForm ? readAutoScalingRequest(settings.core, call.body) : readEksRequest(settings.core, call);
      answer = answerTo(request, { accessKeyId, nowMs, response, isForm, reply });
    } catch (error) {
      const refusal = error instanceof Refusal ? error : new Refusal('InternalFailure', String(error), 500);
      answer = { outcome: refusal.code, send: () => reply.refuse(refusal) };
    }
    const { action = 'unknown', token = null } = request ?? {};
    const caller = callerOf(incoming.headers['user-agent'] ?? '');
    const { outcome } = answer;
    settings.onCall({ atMs: nowMs, action, path, body: call.body, token, caller, accessKeyId, outcome, found });
    answer.send?.();
  }

  function answerTo(
    request: CloudRequest,
    {
      accessKeyId,
      nowMs,
      response,
      isForm,
      reply,
    }: {
      readonly accessKeyId: string;
      readonly nowMs: number;
      readonly response: ServerResponse;
      readonly isForm: boolean;
      readonly reply: Reply;
    },
  ): Answer {
    const { action } = request;
    authorize(request, accessKeyId, isForm);
    const operation = action.slice(action.indexOf(':') + 1);
    const fault = settings.faults.take(operation);
    if (fault === 'hang-before') return { outcome: fault };
    if (fault === 'reset-before') return { outcome: fault, send: () => response.destroy() };
    if (fault !== undefined && fault !== 'reset-after' && fault !== 'hang-after') throw refusalOf(fault, isForm);
    const result = request.perform(nowMs);
    settings.advance(nowMs);
    if (fault === 'hang-after') return { outcome: fault };
    if (fault === 'reset-after') return { outcome: fault, send: () => response.destroy() };
    return { outcome: 'done', send: () => reply.send(operation, result) };
  }

  function authorize({ action, resource }: CloudRequest, accessKeyId: string, isForm: boolean): void {
    const may = settings.keys[accessKeyId];
    if (may === undefined) {
      const code = isForm ? 'InvalidClientTokenId' : 'UnrecognizedClientException';
      throw new Refusal(code, 'The security token included in the request is invalid.', 403);
    }
    if (may(action, resource)) return;
    const who = `arn:aws:iam::000000000000:user/${accessKeyId}`;
    const message = `User: ${who} is not authorized to perform: ${action} on resource: ${resource.arn} because no identity-based policy allows the ${action} action`;
    throw new Refusal(isForm ? 'AccessDenied' : 'AccessDeniedException', message, 403);
  }
}

function groupsOf({ fleet }: CloudCore): readonly FoundGroup[] {
  return [...fleet.groups.values()].map((group) => ({
    name: group.name,
    autoScalingGroup: group.autoScalingGroup,
    live: group.live,
    instances: fleet
      .instances(group)
      .filter(({ lifecycle }) => lifecycle !== 'Terminating:Wait')
      .map(({ id }) => id),
  }));
}

/** What was ordered, in the words of the service that it befell. */
function refusalOf(fault: string, isForm: boolean): Refusal {
  const throttle = isForm ? 'Throttling' : 'ThrottlingException';
  const code = fault === 'throttle' ? throttle : fault;
  return new Refusal(code, fault === 'throttle' ? 'Rate exceeded' : `${code}, as it was ordered`, statusOf(code));
}

interface Reply {
  send(operation: string, result: object | null): void;
  refuse(refusal: Refusal): void;
}

function autoScalingReply(response: ServerResponse, requestId: string): Reply {
  const write = (status: number, xml: string): void => {
    response.writeHead(status, { 'content-type': 'text/xml', 'x-amzn-requestid': requestId });
    response.end(xml);
  };
  return {
    send: (operation, result) => write(200, renderReply(operation, result, requestId)),
    refuse: ({ code, message, status }) => write(status, renderError(code, message, { status, requestId })),
  };
}

function eksReply(response: ServerResponse, requestId: string): Reply {
  const write = (status: number, body: object | null, headers: Readonly<Record<string, string>> = {}): void => {
    response.writeHead(status, { 'content-type': 'application/json', 'x-amzn-requestid': requestId, ...headers });
    response.end(JSON.stringify(body ?? {}));
  };
  return {
    send: (_, result) => write(200, result),
    refuse: ({ code, message, status }) => write(status, { message }, { 'x-amzn-errortype': code }),
  };
}

const callerOf = (userAgent: string): string => / headroom\/\S+ (\S+)/.exec(userAgent)?.[1] ?? userAgent;

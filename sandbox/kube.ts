import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { parseAllDocuments } from 'yaml';
import type { Pair } from './certificates.ts';

/** As much of a Kubernetes object as applying it takes. */
export interface KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly [field: string]: unknown };
  readonly [field: string]: unknown;
}

export interface KubeReply {
  readonly status: number;
  readonly text: string;
}

export interface KubeClient {
  send(method: string, path: string, body?: unknown, contentType?: string): Promise<KubeReply>;
  /** Server-side apply; safe to repeat, and takes fields over from whoever had them. */
  apply(object: KubeObject): Promise<void>;
  close(): void;
}

/**
 * Built on `node:https` instead of the client library: the supervisor sends a few dozen requests in all,
 * and loading the library would take longer than all of them.
 */
export function createKubeClient(
  server: string,
  { authority, admin }: { readonly authority: string; readonly admin: Pair },
): KubeClient {
  const agent = new Agent({ ca: authority, cert: admin.certificate, key: admin.key, keepAlive: true, maxSockets: 8 });
  const resources = new Map<string, Promise<readonly Resource[]>>();

  const send: KubeClient['send'] = (method, path, body, contentType = 'application/json') =>
    new Promise((resolve, reject) => {
      const sent = body === undefined ? undefined : JSON.stringify(body);
      const headers = {
        accept: 'application/json',
        // by itself node:http does not say it of a DELETE: the body would be taken for the next request
        ...(sent !== undefined && { 'content-type': contentType, 'content-length': Buffer.byteLength(sent) }),
      };
      const outgoing = request(`${server}${path}`, { method, agent, headers, timeout: 20_000 }, (reply) => {
        const chunks: Buffer[] = [];
        reply.on('data', (chunk: Buffer) => chunks.push(chunk));
        reply.once('error', reject);
        reply.once('end', () => resolve({ status: reply.statusCode ?? 0, text: Buffer.concat(chunks).toString() }));
      });
      outgoing.once('timeout', () => outgoing.destroy(new Error(`${method} ${path}: no answer in 20 s`)));
      outgoing.once('error', reject);
      outgoing.end(sent);
    });

  async function discover(apiVersion: string): Promise<readonly Resource[]> {
    const { status, text } = await send('GET', groupPath(apiVersion));
    if (status !== 200) throw new Error(`the API server does not serve ${apiVersion}: ${status} ${text.slice(0, 200)}`);
    const list: { readonly resources: readonly Resource[] } = JSON.parse(text);
    return list.resources;
  }

  async function pathOf({ apiVersion, kind, metadata }: KubeObject): Promise<string> {
    const known = resources.get(apiVersion) ?? discover(apiVersion);
    resources.set(apiVersion, known);
    known.catch(() => resources.delete(apiVersion));
    const resource = (await known).find((candidate) => candidate.kind === kind && !candidate.name.includes('/'));
    if (resource === undefined) throw new Error(`${apiVersion} has no kind ${kind}`);
    const scope = resource.namespaced ? `/namespaces/${metadata.namespace ?? 'default'}` : '';
    return `${groupPath(apiVersion)}${scope}/${resource.name}/${metadata.name}`;
  }

  async function apply(object: KubeObject): Promise<void> {
    const path = await pathOf(object);
    const query = '?fieldManager=headroom-sandbox&force=true';
    const { status, text } = await send('PATCH', `${path}${query}`, object, 'application/apply-patch+yaml');
    if (status >= 300)
      throw new Error(`applying ${object.kind} ${object.metadata.name}: ${status} ${text.slice(0, 500)}`);
  }

  return { send, apply, close: () => agent.destroy() };
}

interface Resource {
  readonly name: string;
  readonly kind: string;
  readonly namespaced: boolean;
}

const groupPath = (apiVersion: string): string =>
  apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;

/** Every object of a YAML stream; empty documents are no objects. */
export function readObjects(yaml: string): readonly KubeObject[] {
  const contents: readonly (KubeObject | null)[] = parseAllDocuments(yaml).map((document) => document.toJS());
  return contents.filter((object) => object !== null);
}

export interface KubeUser {
  readonly name: string;
  readonly credentials:
    | { readonly 'client-certificate-data': string; readonly 'client-key-data': string }
    | { readonly token: string };
}

/** A kubeconfig that needs no other file. JSON, which every reader of YAML takes. */
export function renderKubeconfig({
  server,
  authority,
  user,
  namespace,
}: {
  readonly server: string;
  readonly authority: string;
  readonly user: KubeUser;
  readonly namespace?: string;
}): string {
  const cluster = { server, 'certificate-authority-data': base64(authority) };
  const context = { cluster: 'sandbox', user: user.name, ...(namespace === undefined ? {} : { namespace }) };
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'sandbox', cluster }],
    users: [{ name: user.name, user: user.credentials }],
    contexts: [{ name: 'sandbox', context }],
    'current-context': 'sandbox',
  };
  return `${JSON.stringify(config, null, 2)}\n`;
}

export const base64 = (text: string): string => Buffer.from(text).toString('base64');

const decode = (data = ''): string => Buffer.from(data, 'base64').toString();

/** The administrator's kubeconfig, as this sandbox writes it: JSON, with everything inside. */
export function openKubeClient(path: string): KubeClient {
  const { clusters, users }: Kubeconfig = JSON.parse(readFileSync(path, 'utf8'));
  const [cluster, user] = [clusters[0]?.cluster, users[0]?.user];
  return createKubeClient(cluster?.server ?? '', {
    authority: decode(cluster?.['certificate-authority-data']),
    admin: { certificate: decode(user?.['client-certificate-data']), key: decode(user?.['client-key-data']) },
  });
}

interface Kubeconfig {
  readonly clusters: readonly {
    readonly cluster: { readonly server: string; readonly 'certificate-authority-data': string };
  }[];
  readonly users: readonly {
    readonly user: { readonly 'client-certificate-data': string; readonly 'client-key-data': string };
  }[];
}

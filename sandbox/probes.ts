import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { connect } from 'node:net';
import type { KubeClient } from './kube.ts';

/** One look: undefined when all is well, else what was seen instead. */
export type Probe = () => Promise<string | undefined>;

export function healthy(...urls: readonly string[]): Probe {
  return async () => {
    const answers = await Promise.all(urls.map(look));
    return answers.find((answer) => answer !== undefined);
  };
}

/** For a server that has no page to ask for: it takes connections. */
export function listening(port: number): Probe {
  return () =>
    new Promise((resolve) => {
      const socket = connect({ host: '127.0.0.1', port, timeout: 2_000 });
      const answer = (trouble?: string) => {
        socket.destroy();
        resolve(trouble);
      };
      socket.once('connect', () => answer());
      socket.once('timeout', () => answer(`port ${port}: no connection in 2 s`));
      socket.once('error', (error) => answer(`port ${port}: ${describe(error)}`));
    });
}

export function kubernetesReady(kube: KubeClient): Probe {
  return async () => {
    try {
      const { status, text } = await kube.send('GET', '/readyz');
      return status === 200
        ? undefined
        : `/readyz answers ${status}: ${text
            .split('\n')
            .filter((line) => line.startsWith('[-]'))
            .join(' ')}`;
    } catch (error) {
      return describe(error);
    }
  };
}

/** Certificates are not checked: the port is ours, and the answer opens nothing. */
function look(address: string): Promise<string | undefined> {
  const request = address.startsWith('https:') ? requestHttps : requestHttp;
  return new Promise((resolve) => {
    const outgoing = request(address, { rejectUnauthorized: false, agent: false, timeout: 2_000 }, (reply) => {
      reply.resume();
      resolve(reply.statusCode === 200 ? undefined : `${address} answers ${reply.statusCode}`);
    });
    outgoing.once('timeout', () => outgoing.destroy(new Error('no answer in 2 s')));
    outgoing.once('error', (error) => resolve(`${address}: ${describe(error)}`));
    outgoing.end();
  });
}

const describe = (error: unknown): string => (error instanceof Error ? error.message : String(error));

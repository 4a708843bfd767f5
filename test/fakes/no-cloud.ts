import type { Ports } from '../../activities/ports.ts';

/** For worlds without node groups and Karpenter: whoever asks for one, hears so. */
export const NO_CLOUD: Pick<Ports, 'turns' | 'cloud' | 'nodeClaims'> = {
  turns: absent('queue of node groups'),
  cloud: absent('cloud'),
  nodeClaims: absent('NodeClaims'),
};

function absent(what: string): never {
  return new Proxy(
    {},
    {
      get: (_, method) => () => Promise.reject(new Error(`there are no ${what} here to ask ${String(method)}`)),
    },
  ) as never;
}

import type { Ports } from '../../activities/ports.ts';

/** For worlds without node groups: whoever asks for one, hears so. */
export const NO_CLOUD: Pick<Ports, 'turns' | 'cloud'> = {
  turns: absent('queue of node groups'),
  cloud: absent('cloud'),
};

function absent(what: string): never {
  return new Proxy(
    {},
    {
      get: (_, method) => () => Promise.reject(new Error(`there are no ${what} here to ask ${String(method)}`)),
    },
  ) as never;
}

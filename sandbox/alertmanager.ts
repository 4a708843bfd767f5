import { join } from 'node:path';
import type { Component } from './component.ts';
import { healthy } from './probes.ts';
import { pathIn, url, type Run } from './run.ts';

type Place = Pick<Run, 'ports' | 'directory'>;

/** Where `headroom webhook` is to listen: Alertmanager sends there, whether anybody does or not. */
export const webhookOf = (run: Place) => ({
  listen: `127.0.0.1:${run.ports.webhook}`,
  bearerFile: pathIn(run, 'webhookToken'),
});

export const ALERTMANAGER_COMPONENTS: readonly Component[] = [
  {
    name: 'alertmanager',
    needs: [],
    args: (run) => [
      `--config.file=${pathIn(run, 'alertmanagerConfig')}`,
      `--storage.path=${join(run.directory, 'alertmanager')}`,
      `--web.listen-address=127.0.0.1:${run.ports.alertmanager}`,
      '--cluster.listen-address=', // it is alone, and would listen for others on all interfaces
      '--log.level=warn',
    ],
    ready: ({ ports }) => healthy(`${url(ports.alertmanager)}/-/ready`),
  },
];

/** What Prometheus has to know of it. */
export const alertingOf = ({ ports }: Pick<Run, 'ports'>) => ({
  alertmanagers: [{ static_configs: [{ targets: [`127.0.0.1:${ports.alertmanager}`] }] }],
});

/** Seconds where production has minutes. A group for each alert: a new one does not wait for the interval of another. */
export const alertmanagerConfig = (run: Place) => ({
  route: {
    receiver: 'headroom',
    group_by: ['alertname'],
    group_wait: '1s',
    group_interval: '5s',
    repeat_interval: '1m',
  },
  receivers: [
    {
      name: 'headroom',
      webhook_configs: [
        {
          url: `${url(run.ports.webhook)}/alerts/alertmanager`,
          send_resolved: true,
          http_config: {
            authorization: { type: 'Bearer', credentials_file: webhookOf(run).bearerFile },
          },
        },
      ],
    },
  ],
});

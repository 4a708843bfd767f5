import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import { webhookOf } from '../../sandbox/alertmanager.ts';
import { makeCertificates } from '../../sandbox/certificates.ts';
import { componentsWith } from '../../sandbox/components.ts';
import type { Extra } from '../../sandbox/extras.ts';
import { writeFiles } from '../../sandbox/files.ts';
import { createKubeClient } from '../../sandbox/kube.ts';
import { provision } from '../../sandbox/provision.ts';
import { namePorts, type Run } from '../../sandbox/run.ts';

const ALERTS = join(import.meta.dirname, '..', '..', 'examples', 'tensafe', 'alerts');
const run = promisify(execFile);
const root = mkdtempSync(join(tmpdir(), 'headroom-alertmanager-'));
after(() => rmSync(root, { recursive: true, force: true }));

const certificates = await makeCertificates();

function written(name: string, extras: readonly Extra[]) {
  const directory = join(root, name);
  const kube = createKubeClient('https://127.0.0.1:1', { authority: '', admin: certificates.admin });
  const ports = namePorts(20_000);
  const life: Run = {
    name,
    directory,
    extras,
    ports,
    kube,
    certificates,
    seed: false,
    programs: {},
    definitionFiles: [],
    onProgress: () => {},
  };
  writeFiles(life, certificates);
  const read = (file: string): string => readFileSync(join(directory, file), 'utf8');
  return { directory, life, read };
}

describe('the files of a sandbox with Alertmanager', () => {
  const { directory, life, read } = written('with', ['alertmanager']);

  it('send every alert to the port that is kept for the webhook, with the token that is in a file of the owner alone', () => {
    const { receivers, route } = parse(read('alertmanager.yaml'));
    const [{ url, send_resolved, http_config }] = receivers[0].webhook_configs;
    assert.equal(url, `http://127.0.0.1:${life.ports.webhook}/alerts/alertmanager`);
    assert.equal(webhookOf(life).listen, new URL(url).host);
    assert.equal(send_resolved, true);
    const { type, credentials_file } = http_config.authorization;
    assert.deepEqual([type, credentials_file], ['Bearer', join(directory, 'webhook.token')]);
    assert.match(readFileSync(credentials_file, 'utf8'), /^[0-9a-f]{64}\n$/);
    assert.equal(statSync(credentials_file).mode & 0o777, 0o600);
    assert.equal(route.receiver, receivers[0].name);
  });

  it('have another token in another sandbox', () => {
    assert.notEqual(written('other', ['alertmanager']).read('webhook.token'), read('webhook.token'));
  });

  it('tell Prometheus where Alertmanager listens', () => {
    const target = `127.0.0.1:${life.ports.alertmanager}`;
    const { alerting, rule_files } = parse(read('prometheus.yaml'));
    assert.deepEqual(alerting, { alertmanagers: [{ static_configs: [{ targets: [target] }] }] });
    assert.deepEqual(rule_files, [join(directory, 'rules', '*.yaml')]);
    const component = componentsWith(life.extras).find(({ name }) => name === 'alertmanager');
    assert.ok(component?.args(life).includes(`--web.listen-address=${target}`));
  });

  it('are not there in a plain one, which has the token all the same', () => {
    const plain = written('plain', []);
    assert.equal(parse(plain.read('prometheus.yaml')).alerting, undefined);
    assert.throws(() => plain.read('alertmanager.yaml'), /ENOENT/);
    assert.match(plain.read('webhook.token'), /^[0-9a-f]{64}\n$/);
    assert.ok(componentsWith([]).every(({ name }) => name !== 'alertmanager'));
  });
});

describe('the example’s alert rules', async () => {
  const { promtool } = await provision(['promtool'], () => {});

  for (const file of ['tensafe-rules.yaml', 'demo-rules.yaml']) {
    it(`of ${file} are taken by promtool without a remark`, async () => {
      await run(promtool?.path ?? '', ['check', 'rules', '--lint=all', '--lint-fatal', join(ALERTS, file)]);
    });
  }

  it('fire after their time and only over their thresholds, as tensafe-rules.test.yaml has it', async () => {
    await run(promtool?.path ?? '', ['test', 'rules', join(ALERTS, 'tensafe-rules.test.yaml')]);
  });
});

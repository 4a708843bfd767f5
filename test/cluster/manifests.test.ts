import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { parseAllDocuments } from 'yaml';
import { provision } from '../../sandbox/provision.ts';
import { required } from './real-cluster.ts';

interface Workload {
  readonly kind: string;
  readonly spec: {
    readonly template: {
      readonly spec: { readonly containers: readonly { readonly image: string; readonly args: readonly string[] }[] };
    };
  };
}

const textOf = (name: string) => readFileSync(new URL(`../../deploy/workloads/${name}.yaml`, import.meta.url), 'utf8');

describe('the manifests of what runs in a cluster', () => {
  let kubectl = '';
  before(async () => {
    kubectl = (await provision(['kubectl'], () => undefined))['kubectl']?.path ?? '';
  });
  /** As `kubectl apply` would do it, without doing it; what the API server warns of is on stderr. */
  const applied = (manifest: string) => {
    const words = ['--kubeconfig', required('HEADROOM_TEST_ADMIN_KUBECONFIG'), 'apply'];
    const run = promisify(execFile)(kubectl, [...words, '--dry-run=server', '--validate=strict', '-f', '-']);
    run.child.stdin?.end(manifest);
    return run;
  };

  for (const name of ['worker', 'webhook']) {
    it(`${name}.yaml is taken by a real API server without a warning, in a namespace with restricted pods`, async () => {
      const { stdout, stderr } = await applied(textOf(name));
      assert.equal(stderr, '');
      assert.match(stdout, new RegExp(`deployment.apps/headroom-${name} created`));
    });

    it(`${name}.yaml would not be with a mistyped key, nor without a warning as root`, async () => {
      const mistyped = textOf(name).replace('runAsNonRoot: true', 'runAsNoRoot: true');
      await assert.rejects(applied(mistyped), /unknown field .*runAsNoRoot/);
      const asRoot = textOf(name).replace('runAsNonRoot: true', 'runAsNonRoot: false');
      assert.match((await applied(asRoot)).stderr, /would violate PodSecurity "restricted/);
    });

    it(`${name}.yaml runs the image of docker-compose.yml, and a command of headroom`, () => {
      const [deployment] = parseAllDocuments(textOf(name)).map((one) => one.toJS() as Workload);
      const [container] = deployment?.spec.template.spec.containers ?? [];
      assert.deepEqual(container?.args, [name]);
      const compose = readFileSync(new URL('../../docker-compose.yml', import.meta.url), 'utf8');
      assert.match(compose, new RegExp(`image: ${container.image}\n`));
    });
  }
});

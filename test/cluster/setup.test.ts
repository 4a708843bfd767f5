import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { aCloud, WORKERS } from '../harness/cloud.ts';
import { inLane, openLane, type Lane } from '../harness/lane.ts';
import { OPERATOR_KEY, REGION, WORKER_KEY } from '../../sandbox/cloud/keys.ts';

interface Report {
  readonly ready: boolean;
  readonly findings: readonly { readonly what: string; readonly ok: boolean | null; readonly detail: string }[];
}

/** In a lane whose policy names a node group, with AWS played that grants this policy; absent: the shipped one. */
async function withNodeGroup(policy: string | undefined, act: (lane: Lane) => Promise<void>): Promise<void> {
  const cloud = await aCloud({ cluster: 'lane', ...(policy !== undefined && { policy }) });
  const types = { instanceType: 'p5.48xlarge', gpus: 8, gpu: 'H100', memoryGb: 2048, vcpus: 192, useCase: 'tests' };
  const env = {
    AWS_ENDPOINT_URL_EKS: cloud.url,
    AWS_ENDPOINT_URL_AUTO_SCALING: cloud.url,
    AWS_REGION: REGION,
    AWS_ACCESS_KEY_ID: WORKER_KEY.accessKeyId,
    AWS_SECRET_ACCESS_KEY: WORKER_KEY.secretAccessKey,
  };
  const nodeGroups = { [WORKERS.name]: { limits: { min: 1, max: 8 }, instanceTypes: ['p5-48xlarge'] } };
  try {
    await inLane({ governor: 'none', env, policy: { nodeGroups, gpuInstanceTypes: { 'p5-48xlarge': types } } }, act);
  } finally {
    await cloud.stop();
  }
}

/** The shipped rights but one. */
const WITHOUT_REFRESHES = readFileSync(
  new URL('../../deploy/iam/headroom-policy.json', import.meta.url),
  'utf8',
).replace(/ *"autoscaling:DescribeInstanceRefreshes",\n/, '');

const OPERATOR = {
  AWS_ACCESS_KEY_ID: OPERATOR_KEY.accessKeyId,
  AWS_SECRET_ACCESS_KEY: OPERATOR_KEY.secretAccessKey,
};
const about = ({ findings }: Report, what: RegExp) => findings.filter((one) => what.test(one.what));

describe('setting up', () => {
  let lane: Lane;
  before(async () => {
    lane = await openLane();
  });
  after(() => lane.close());

  it('finds all that the worker needs, with the worker’s own rights', async () => {
    const { code, stdout } = await lane.headroom('setup', '--json');
    const { ready, findings } = JSON.parse(stdout) as Report;
    assert.deepEqual(
      findings.filter(({ ok }) => !ok),
      [],
    );
    assert.deepEqual({ code, ready }, { code: 0, ready: true });
  });

  it('names a server that does not answer, and what else is missing besides', async () => {
    const { surroundings } = lane;
    const broken = await openLane({ env: { ...surroundings, TEMPORAL_ADDRESS: '127.0.0.1:1' } });
    try {
      const { code, stdout } = await broken.headroom('setup', '--json');
      const { ready, findings } = JSON.parse(stdout) as Report;
      assert.deepEqual({ code, ready }, { code: 1, ready: false });
      assert.match(findings.find(({ ok }) => !ok)?.what ?? '', /Temporal at 127.0.0.1:1/);
      assert.ok(
        findings.some(({ what, ok }) => what === 'Kubernetes' && ok),
        'the cluster is looked at all the same',
      );
    } finally {
      await broken.close();
    }
  });

  it('tries what AWS allows the worker, whatever the command itself may do', () =>
    withNodeGroup(WITHOUT_REFRESHES, async (lane) => {
      await lane.startWorker();
      const { code, stdout } = await lane.headroomIn(OPERATOR, 'setup', '--json');
      const report = JSON.parse(stdout) as Report;
      assert.deepEqual({ code, ready: report.ready }, { code: 1, ready: false });
      assert.match(about(report, /^AWS, cluster lane, region/)[0]?.detail ?? '', /^tried by a worker/);
      const missing = report.findings.filter(({ ok }) => ok === false);
      assert.deepEqual(
        missing.map(({ what }) => what.split(' on ')[0]),
        ['may autoscaling:DescribeInstanceRefreshes'],
      );
      assert.match(missing[0]?.detail ?? '', /statement ReadAutoScaling of deploy\/iam/);
    }));

  it('tries its own credentials where no worker answers, says so, and calls a write not tried', () =>
    withNodeGroup(undefined, async (lane) => {
      const { code, stdout } = await lane.headroom('setup');
      assert.equal(code, 0, stdout);
      assert.match(stdout, /^ok +AWS, cluster lane, region us-east-1: tried with the credentials of this command/m);
      assert.match(stdout, /^ok +may eks:DescribeNodegroup on node group gpu-workers$/m);
      assert.match(stdout, /^not tried +may eks:UpdateNodegroupConfig on node group gpu-workers: it would change/m);
    }));
});

import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { AutoScaling } from '@aws-sdk/client-auto-scaling';
import { ApplicationFailure } from '@temporalio/common';
import type { Call, CloudPort } from '../../activities/ports.ts';
import { readPermissions } from '../../sandbox/cloud/permissions.ts';
import { createCloudPort } from '../../adapters/aws/cloud.ts';
import { OPERATOR_KEY, REGION, WORKER_KEY } from '../../sandbox/cloud/keys.ts';
import { startStandIn } from '../adapters/stand-in.ts';
import { aCloud, CALL, portTo, withoutAws } from '../harness/cloud.ts';
import type { FailureType } from '../../domain/failures.ts';

type Act = (port: CloudPort, call?: Call) => Promise<unknown>;

const readGroup: Act = (port, call = CALL) => port.readNodeGroup('gpu-workers', call);
const readInstances: Act = (port, call = CALL) => port.readInstances(['i-0000000005eed0001'], call);
const resize: Act = (port, call = CALL) =>
  port.resizeNodeGroup({ group: 'gpu-workers', sizes: { desired: 5 }, token: 'a' }, call);
const terminate: Act = (port, call = CALL) => port.terminateInstance('i-0000000005eed0001', call);

interface Row {
  readonly operation: string;
  readonly act: Act;
  readonly sent: string;
  readonly type: FailureType;
  readonly final: boolean;
  readonly sends: number;
}

/** What is sent, what the port makes of it, and how often it was asked: a read once more, a change never. */
const ROWS: readonly Row[] = [
  {
    operation: 'DescribeNodegroup',
    act: readGroup,
    sent: 'AccessDeniedException',
    type: 'permissionDenied',
    final: true,
    sends: 1,
  },
  {
    operation: 'DescribeNodegroup',
    act: readGroup,
    sent: 'ResourceNotFoundException',
    type: 'targetNotFound',
    final: true,
    sends: 1,
  },
  { operation: 'DescribeNodegroup', act: readGroup, sent: 'throttle', type: 'apiThrottled', final: false, sends: 2 },
  {
    operation: 'DescribeNodegroup',
    act: readGroup,
    sent: 'ServerException',
    type: 'apiUnavailable',
    final: false,
    sends: 2,
  },
  {
    operation: 'DescribeNodegroup',
    act: readGroup,
    sent: 'ServiceUnavailableException',
    type: 'apiUnavailable',
    final: false,
    sends: 2,
  },
  {
    operation: 'DescribeNodegroup',
    act: readGroup,
    sent: 'reset-before',
    type: 'apiUnavailable',
    final: false,
    sends: 2,
  },
  {
    operation: 'DescribeNodegroup',
    act: readGroup,
    sent: 'NobodyKnowsThisException',
    type: 'invalidRequest',
    final: true,
    sends: 1,
  },
  {
    operation: 'UpdateNodegroupConfig',
    act: resize,
    sent: 'ResourceInUseException',
    type: 'stateConflict',
    final: false,
    sends: 1,
  },
  {
    operation: 'UpdateNodegroupConfig',
    act: resize,
    sent: 'InvalidRequestException',
    type: 'stateConflict',
    final: false,
    sends: 1,
  },
  {
    operation: 'UpdateNodegroupConfig',
    act: resize,
    sent: 'InvalidParameterException',
    type: 'invalidRequest',
    final: true,
    sends: 1,
  },
  {
    operation: 'UpdateNodegroupConfig',
    act: resize,
    sent: 'ClientException',
    type: 'invalidRequest',
    final: true,
    sends: 1,
  },
  { operation: 'UpdateNodegroupConfig', act: resize, sent: 'throttle', type: 'apiThrottled', final: false, sends: 1 },
  {
    operation: 'UpdateNodegroupConfig',
    act: resize,
    sent: 'ServerException',
    type: 'apiUnavailable',
    final: false,
    sends: 1,
  },
  {
    operation: 'DescribeAutoScalingInstances',
    act: readInstances,
    sent: 'AccessDenied',
    type: 'permissionDenied',
    final: true,
    sends: 1,
  },
  {
    operation: 'DescribeAutoScalingInstances',
    act: readInstances,
    sent: 'ExpiredToken',
    type: 'apiUnavailable',
    final: false,
    sends: 1,
  },
  {
    operation: 'DescribeAutoScalingInstances',
    act: readInstances,
    sent: 'throttle',
    type: 'apiThrottled',
    final: false,
    sends: 2,
  },
  {
    operation: 'DescribeAutoScalingInstances',
    act: readInstances,
    sent: 'RequestLimitExceeded',
    type: 'apiThrottled',
    final: false,
    sends: 2,
  },
  {
    operation: 'DescribeAutoScalingInstances',
    act: readInstances,
    sent: 'InternalFailure',
    type: 'apiUnavailable',
    final: false,
    sends: 2,
  },
  {
    operation: 'TerminateInstanceInAutoScalingGroup',
    act: terminate,
    sent: 'ScalingActivityInProgress',
    type: 'stateConflict',
    final: false,
    sends: 1,
  },
  {
    operation: 'TerminateInstanceInAutoScalingGroup',
    act: terminate,
    sent: 'ResourceContention',
    type: 'stateConflict',
    final: false,
    sends: 1,
  },
  {
    operation: 'TerminateInstanceInAutoScalingGroup',
    act: terminate,
    sent: 'ValidationError',
    type: 'invalidRequest',
    final: true,
    sends: 1,
  },
  {
    operation: 'TerminateInstanceInAutoScalingGroup',
    act: terminate,
    sent: 'throttle',
    type: 'apiThrottled',
    final: false,
    sends: 1,
  },
  {
    operation: 'TerminateInstanceInAutoScalingGroup',
    act: terminate,
    sent: 'InternalFailure',
    type: 'apiUnavailable',
    final: false,
    sends: 1,
  },
  {
    operation: 'TerminateInstanceInAutoScalingGroup',
    act: terminate,
    sent: 'reset-before',
    type: 'apiUnavailable',
    final: false,
    sends: 1,
  },
  {
    operation: 'TerminateInstanceInAutoScalingGroup',
    act: terminate,
    sent: 'reset-after',
    type: 'apiUnavailable',
    final: false,
    sends: 1,
  },
];

const fails = (type: FailureType, words: RegExp) => (error: unknown) => {
  assert.ok(error instanceof ApplicationFailure, String(error));
  assert.equal(error.type, type, error.message);
  assert.match(error.message, words);
  return true;
};

describe('what AWS refuses', () => {
  for (const { operation, act, sent, type, final, sends } of ROWS) {
    it(`is ${type} when ${operation} answers ${sent}, after ${sends} of them`, async (t) => {
      const cloud = await started(t);
      cloud.order({ do: 'fail', operation, what: sent, times: 9 });
      await assert.rejects(act(cloud.port), (error) => {
        fails(type, new RegExp(`:${operation} on `))(error);
        assert.equal((error as ApplicationFailure).nonRetryable, final);
        return true;
      });
      assert.equal(cloud.callsOf(operation).length, sends);
    });
  }

  it('names the action and what to do where IAM says no', async (t) => {
    const cloud = await started(t, {
      policy: '{"Statement":[{"Effect":"Allow","Action":"eks:List*","Resource":"*"}]}',
    });
    await assert.rejects(
      readGroup(cloud.port),
      fails(
        'permissionDenied',
        /eks:DescribeNodegroup on node group gpu-workers: .*not authorized.*headroom-policy\.json/,
      ),
    );
  });

  it('says that credentials are missing or wrong, and what would do', async (t) => {
    const cloud = await started(t);
    const port = portTo(cloud.url, { credentials: { accessKeyId: 'SOMEBODY', secretAccessKey: 'x' } });
    await assert.rejects(
      readGroup(port),
      fails('permissionDenied', /UnrecognizedClientException.*give the worker AWS/),
    );
    await assert.rejects(terminate(port), fails('permissionDenied', /InvalidClientTokenId.*give the worker AWS/));
  });

  it('repeats nothing of what AWS tells of a signature, which may hold a token', async (t) => {
    const said = 'the canonical string should have been x-amz-security-token:SECRET';
    const server = await startStandIn(() => ({
      status: 403,
      headers: { 'x-amzn-errortype': 'InvalidSignatureException' },
      body: { message: said },
    }));
    t.after(() => server.close());
    await assert.rejects(readGroup(portTo(server.url)), (error) => {
      fails('permissionDenied', /InvalidSignatureException; give/)(error);
      assert.doesNotMatch(`${(error as Error).stack} ${String((error as Error).cause)}`, /SECRET/);
      return true;
    });
  });

  it('is one clear failure where no region is configured, and none before AWS is asked', async (t) => {
    withoutAws(t);
    await assert.rejects(
      readGroup(createCloudPort({ cluster: 'prod' })),
      fails('invalidRequest', /no region; set cluster\.eks\.region .*AWS_REGION/),
    );
  });

  it('is one clear failure where there are no credentials', async (t) => {
    withoutAws(t);
    const cloud = await started(t);
    const port = createCloudPort({ cluster: 'prod', region: REGION, endpoint: cloud.url });
    await assert.rejects(readGroup(port), fails('permissionDenied', /give the worker AWS credentials \(IRSA/));
    assert.equal(cloud.calls.length, 0);
  });

  for (const [act, operation] of [
    [readGroup, 'DescribeNodegroup'],
    [terminate, 'TerminateInstanceInAutoScalingGroup'],
  ] as const) {
    it(`is apiUnavailable when ${operation} is never answered`, async (t) => {
      const cloud = await started(t, { client: { readDeadlineMs: 150, writeDeadlineMs: 150 } });
      cloud.order({ do: 'fail', operation, what: 'hang-before', times: 9 });
      await assert.rejects(act(cloud.port), fails('apiUnavailable', /no answer within 0\.15 s/));
      assert.equal(cloud.callsOf(operation).length, 1);
    });
  }

  it('is apiUnavailable while nobody listens, and answered when somebody does again', async (t) => {
    const cloud = await aCloud();
    t.after(() => cloud.stop());
    const away = cloud.away(300);
    await assert.rejects(cloud.port.readNodeGroup('gpu-workers', CALL), { type: 'apiUnavailable' });
    await away;
    assert.equal((await cloud.port.readNodeGroup('gpu-workers', CALL)).live.desired, 4);
  });

  it('ends with the reason of the signal when the caller gives up', async (t) => {
    const cloud = await started(t);
    cloud.order({ do: 'fail', operation: '*', what: 'hang-before', times: 9 });
    const gone = new AbortController();
    const asked = terminate(cloud.port, { ...CALL, signal: gone.signal });
    setTimeout(() => gone.abort(new Error('the run was cancelled')), 30);
    await assert.rejects(asked, /the run was cancelled/);
  });

  it('says when to come back where AWS does', async (t) => {
    const server = await startStandIn(() => ({
      status: 429,
      headers: { 'x-amzn-errortype': 'ThrottlingException', 'retry-after': '7' },
      body: { message: 'slow down' },
    }));
    t.after(() => server.close());
    await assert.rejects(resize(portTo(server.url)), (error) => {
      assert.equal((error as ApplicationFailure).nextRetryDelay, 7_000);
      return true;
    });
  });

  it('is apiUnavailable when something answers that is not AWS', async (t) => {
    const server = await startStandIn(() => ({
      status: 200,
      headers: { 'content-type': 'text/html' },
      body: '<p>hello',
    }));
    t.after(() => server.close());
    await assert.rejects(readGroup(portTo(server.url)), fails('apiUnavailable', /DescribeNodegroup/));
  });
});

describe('the rights in deploy/iam/headroom-policy.json', () => {
  it('are enough for every operation of the port, and for no other', async (t) => {
    const cloud = await started(t);
    await readGroup(cloud.port);
    await readInstances(cloud.port);
    await cloud.port.readUpdate('gpu-workers', String(await resize(cloud.port)), CALL);
    const { autoScalingGroup } = await cloud.port.readNodeGroup('gpu-workers', CALL);
    await cloud.port.readActivities(autoScalingGroup, 0, CALL);
    await cloud.port.setDesired(autoScalingGroup, 4, CALL);
    await terminate(cloud.port);
    assert.deepEqual([...new Set(cloud.calls.map(({ outcome }) => outcome))], ['done']);
    const settings = { region: REGION, endpoint: cloud.url };
    const stop = { AutoScalingGroupName: autoScalingGroup, ScalingProcesses: ['AZRebalance'] };
    await assert.rejects(new AutoScaling({ ...settings, credentials: WORKER_KEY }).suspendProcesses(stop), {
      name: 'AccessDenied',
    });
    await new AutoScaling({ ...settings, credentials: OPERATOR_KEY }).suspendProcesses(stop);
    assert.deepEqual((await cloud.port.readNodeGroup('gpu-workers', CALL)).suspendedProcesses, ['AZRebalance']);
  });

  it('end at the cluster that they name', () => {
    const statement = {
      Effect: 'Allow',
      Action: ['autoscaling:Set*'],
      Resource: 'arn:*:autoScalingGroupName/eks-*',
      Condition: { StringEquals: { 'aws:ResourceTag/eks:cluster-name': 'CLUSTER_NAME' } },
    };
    const may = readPermissions(JSON.stringify({ Statement: [statement] }), 'prod');
    const arn = 'arn:aws:autoscaling:us-east-1:0:autoScalingGroup:x:autoScalingGroupName/eks-gpu';
    assert.equal(may('autoscaling:SetDesiredCapacity', { arn, tags: { 'eks:cluster-name': 'prod' } }), true);
    assert.equal(may('autoscaling:SetDesiredCapacity', { arn, tags: { 'eks:cluster-name': 'other' } }), false);
    assert.equal(
      may('autoscaling:SetDesiredCapacity', {
        arn: arn.replace('eks-gpu', 'web'),
        tags: { 'eks:cluster-name': 'prod' },
      }),
      false,
    );
    assert.equal(may('autoscaling:DeleteAutoScalingGroup', { arn, tags: { 'eks:cluster-name': 'prod' } }), false);
  });
});

async function started(t: TestContext, options: Parameters<typeof aCloud>[0] = {}) {
  const cloud = await aCloud(options);
  t.after(() => cloud.stop());
  return cloud;
}

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it, type TestContext } from 'node:test';
import { NEEDED_IN_AWS } from '../../adapters/aws/access.ts';
import type { CloudAccess } from '../../domain/cloud-access.ts';
import { aCloud, CALL, portTo, WORKERS, withoutAws } from '../harness/cloud.ts';

const text = readFileSync(new URL('../../deploy/iam/headroom-policy.json', import.meta.url), 'utf8');
interface Document {
  readonly Statement: readonly { readonly Sid: string; readonly Action: readonly string[] }[];
}
const { Statement } = JSON.parse(text) as Document;

/** The shipped rights without these actions. */
function without(...actions: readonly string[]): string {
  const left = Statement.map((one) => ({ ...one, Action: one.Action.filter((action) => !actions.includes(action)) }));
  return JSON.stringify({ Statement: left });
}

/** 'DescribeNodegroup' of 'eks:DescribeNodegroup', each once. */
const operations = (all: readonly { readonly action: string }[]): readonly string[] =>
  [...new Set(all.map(({ action }) => action.slice(action.indexOf(':') + 1)))].toSorted();

const GROUPS = ['gpu-workers', 'gpu-spare'];

async function started(t: TestContext, options: Parameters<typeof aCloud>[0] = {}) {
  const spare = { ...WORKERS, name: 'gpu-spare', subnet: '10.9.2.' };
  const cloud = await aCloud({ groups: [WORKERS, spare], ...options });
  t.after(() => cloud.stop());
  return { ...cloud, check: (groups: readonly string[] = GROUPS) => cloud.port.checkAccess(groups, CALL) };
}

/** By what became of it. */
function verdicts(access: CloudAccess) {
  assert.equal(access.kind, 'asked', JSON.stringify(access));
  const all = access.kind === 'asked' ? access.verdicts : [];
  const of = (kind: string) => all.filter((one) => one.kind === kind);
  const actions = (kind: string) => operations(of(kind));
  return { all, actions, failed: of('failed') };
}

const WRITES = ['SetDesiredCapacity', 'TerminateInstanceInAutoScalingGroup', 'UpdateNodegroupConfig'];

describe('checking what AWS allows', () => {
  it('knows each right of deploy/iam/headroom-policy.json by its statement, and no other', () => {
    const granted = Statement.flatMap(({ Sid, Action }) => Action.map((action) => `${action} ${Sid}`));
    const needed = Object.entries(NEEDED_IN_AWS).map(([action, statement]) => `${action} ${statement}`);
    assert.deepEqual(needed.toSorted(), granted.toSorted());
  });

  it('tries every read of every group, and no write', async (t) => {
    const cloud = await started(t);
    const access = await cloud.check();
    const { all, actions } = verdicts(access);
    assert.deepEqual(access.kind === 'asked' && [access.cluster, access.region], ['prod', 'us-east-1']);
    assert.deepEqual(actions('failed'), []);
    assert.deepEqual(actions('not tried'), WRITES);
    assert.deepEqual([...new Set(all.map(({ action }) => action))].toSorted(), Object.keys(NEEDED_IN_AWS).toSorted());
    assert.deepEqual(operations(cloud.calls), actions('allowed'));
    for (const group of GROUPS)
      assert.ok(all.some(({ kind, target }) => kind === 'allowed' && target === `node group ${group}`));
    assert.equal(cloud.callsOf('DescribeAutoScalingGroups').length, 2);
  });

  it('says of each write which statement grants it', async (t) => {
    const cloud = await started(t);
    const { all } = verdicts(await cloud.check());
    const reasons = all.flatMap(({ kind, reason }) => (kind === 'not tried' ? [reason] : []));
    assert.deepEqual(
      reasons.map((reason) => /^it would change something; statement (\w+) of deploy/.exec(reason)?.[1]),
      ['NodeGroups', 'ChangeAutoScalingGroupsOfNodeGroups', 'ChangeAutoScalingGroupsOfNodeGroups'],
    );
  });

  const reads = Object.keys(NEEDED_IN_AWS).filter((action) => action.includes(':Describe'));
  for (const action of reads.filter((one) => one !== 'eks:DescribeNodegroup'))
    it(`names ${action} alone where it alone is missing, and its statement`, async (t) => {
      const cloud = await started(t, { policy: without(action) });
      const { actions, failed } = verdicts(await cloud.check());
      assert.deepEqual(actions('failed'), [action.split(':')[1]]);
      for (const { reason } of failed) {
        assert.match(reason, /AccessDenied/);
        assert.match(reason, new RegExp(`statement ${NEEDED_IN_AWS[action as keyof typeof NEEDED_IN_AWS]} of deploy`));
      }
    });

  it('names all that is missing at once, and what could not be tried for it', async (t) => {
    const cloud = await started(t, { policy: without('eks:DescribeNodegroup', 'eks:DescribeUpdate') });
    const { all, actions, failed } = verdicts(await cloud.check());
    assert.deepEqual(
      failed.map(({ target }) => target),
      ['node group gpu-workers', 'node group gpu-spare', 'updates of node group gpu-workers'],
    );
    assert.deepEqual(actions('allowed'), ['DescribeAutoScalingInstances']);
    const unnamed = all.filter(({ reason }) => reason.startsWith('no node group could be read'));
    assert.equal(unnamed.length, 3);
  });

  const rows = [
    {
      name: 'a group that AWS does not know',
      groups: ['gpu-workers', 'gone'],
      says: /No node group found for name: gone/,
    },
    {
      name: 'a cluster that AWS does not know',
      client: { cluster: 'other' },
      says: /No cluster found for name: other/,
    },
    {
      name: 'credentials that AWS does not know',
      client: { credentials: { accessKeyId: 'X', secretAccessKey: 'x' } },
      says: /UnrecognizedClientException.*give the worker AWS credentials/,
    },
  ];
  for (const { name, groups, client, says } of rows)
    it(`says so of ${name}`, async (t) => {
      const cloud = await started(t, client && { client });
      const { failed } = verdicts(await cloud.check(groups));
      assert.match(failed.map(({ reason }) => reason).join('\n'), says);
    });

  for (const what of ['throttle', 'ServiceUnavailableException', 'reset-before', 'hang-before'])
    it(`does not call a right missing, nor there, while AWS answers with ${what}`, async (t) => {
      const cloud = await started(t, { client: { readDeadlineMs: 1_500 } });
      cloud.order({ do: 'fail', operation: 'DescribeNodegroup', what, times: 4 });
      const { failed, actions } = verdicts(await cloud.check());
      assert.deepEqual(actions('failed'), ['DescribeNodegroup']);
      for (const { reason } of failed) assert.doesNotMatch(reason, /statement|AccessDenied/);
    });

  it('names a region and credentials that are missing, and asks nothing', async (t) => {
    withoutAws(t);
    const settings = { endpoint: 'http://127.0.0.1:1', credentials: undefined } as never;
    const [region, keys] = await Promise.all([
      portTo('http://127.0.0.1:1', { region: undefined } as never).checkAccess(GROUPS, CALL),
      portTo('http://127.0.0.1:1', settings).checkAccess(GROUPS, CALL),
    ]);
    assert.match(region.kind === 'unusable' ? region.reason : '', /no region; set cluster\.eks\.region/);
    assert.match(
      keys.kind === 'unusable' ? keys.reason : '',
      /CredentialsProviderError.*give the worker AWS credentials/,
    );
  });

  it('ends when it is cancelled', async (t) => {
    const cloud = await started(t);
    cloud.order({ do: 'fail', operation: 'Describe', what: 'hang-before', times: 9 });
    const ending = new AbortController();
    const check = cloud.port.checkAccess(GROUPS, { ...CALL, signal: ending.signal });
    setTimeout(() => ending.abort(), 50);
    await assert.rejects(check, { name: 'AbortError' });
  });
});

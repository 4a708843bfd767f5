import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { CloudAccess, CloudVerdict } from '../../domain/cloud-access.ts';
import type { Policy } from '../../domain/policy.ts';
import { cloudFindings, type AskCloudAccess } from '../../worker/setup-cloud.ts';

const policy = (...groups: readonly string[]) =>
  ({
    cluster: { name: 'tensafe-prod', eks: { name: 'prod' } },
    nodeGroups: Object.fromEntries(groups.map((group) => [group, {}])),
  }) as unknown as Policy;
const verdict = (kind: CloudVerdict['kind'], reason = ''): CloudVerdict => {
  return { action: `eks:${kind}`, target: 'node group gpu', kind, reason };
};
const access = (of: object = {}): CloudAccess => {
  const verdicts = [verdict('allowed'), verdict('failed', 'AccessDenied'), verdict('not tried', 'it would change')];
  return { kind: 'asked', cluster: 'prod', region: 'us-east-1', verdicts, ...of };
};
const never: AskCloudAccess = () => assert.fail('it was asked');

describe('finding out in setup what AWS allows', () => {
  it('asks nobody where the policy names no node group', async () => {
    assert.deepEqual(await cloudFindings(policy(), { ofWorker: never, ofCommand: never }), []);
  });

  it('asks a worker about every group, and not with the credentials of the command', async () => {
    const asked: unknown[] = [];
    const ofWorker: AskCloudAccess = async (groups) => (asked.push(groups), access());
    const findings = await cloudFindings(policy('gpu-b', 'gpu-a'), { ofWorker, ofCommand: never });
    assert.deepEqual(asked, [['gpu-a', 'gpu-b']]);
    assert.deepEqual(findings, [
      { what: 'AWS, cluster prod, region us-east-1', ok: true, detail: 'tried by a worker, with its credentials' },
      { what: 'may eks:allowed on node group gpu', ok: true, detail: '' },
      { what: 'may eks:failed on node group gpu', ok: false, detail: 'AccessDenied' },
      { what: 'may eks:not tried on node group gpu', ok: null, detail: 'it would change' },
    ]);
  });

  const noWorker: AskCloudAccess = () => Promise.reject(new Error('no worker serves the queue headroom'));
  it('says whose credentials were tried where no worker answers', async () => {
    const [place, ...rest] = await cloudFindings(policy('gpu'), {
      ofWorker: noWorker,
      ofCommand: async () => access(),
    });
    assert.equal(place?.ok, true);
    assert.match(place?.detail ?? '', /credentials of this command, which need not be the worker’s \(no worker serves/);
    assert.equal(rest.length, 3);
  });

  const rows: readonly { readonly name: string; readonly said: CloudAccess; readonly says: RegExp }[] = [
    {
      name: 'there are no credentials',
      said: { kind: 'unusable', cluster: 'prod', reason: 'cannot act on AWS: CredentialsProviderError' },
      says: /^cannot act on AWS: CredentialsProviderError; tried/,
    },
    {
      name: 'the worker has another cluster in its policy',
      said: access({ cluster: 'staging' }),
      says: /^the worker goes by another headroom\.yaml: here the cluster is prod; tried/,
    },
  ];
  for (const { name, said, says } of rows)
    it(`is not ready where ${name}`, async () => {
      const [place] = await cloudFindings(policy('gpu'), { ofWorker: async () => said, ofCommand: never });
      assert.equal(place?.ok, false);
      assert.match(place?.detail ?? '', says);
    });
});

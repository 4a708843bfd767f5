import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { checkAccess, KARPENTER_ACCESS, NEEDED_ACCESS } from '../../../adapters/kubernetes/access.ts';
import { startStandIn, writeKubeconfig } from '../stand-in.ts';

interface Role {
  readonly kind: string;
  readonly metadata: { readonly namespace?: string };
  readonly rules: readonly {
    readonly apiGroups: readonly string[];
    readonly resources: readonly string[];
    readonly resourceNames?: readonly string[];
    readonly verbs: readonly string[];
  }[];
}

const rolesOf = (directory: string): readonly Role[] =>
  parseAllDocuments(readFileSync(new URL(`../../../deploy/${directory}/rbac.yaml`, import.meta.url), 'utf8'))
    .map((document) => document.toJS() as Role)
    .filter(({ kind }) => kind === 'ClusterRole' || kind === 'Role');

/** 'get configmaps. kube-system/cluster-autoscaler-status', and without a place where it is all of them. */
const words = (verb: string, resource: string, place: readonly (string | undefined)[] = []) =>
  [`${verb} ${resource}`, place.join('/')].join(' ').trim();

const grantedBy = (roles: readonly Role[]) =>
  roles.flatMap(({ metadata: { namespace }, rules }) =>
    rules.flatMap(({ apiGroups, resources, resourceNames = [undefined], verbs }) =>
      apiGroups.flatMap((group) =>
        resources.flatMap((resource) =>
          verbs.flatMap((verb) =>
            resourceNames.map((name) =>
              words(verb, `${resource}.${group}`, namespace && name ? [namespace, name] : []),
            ),
          ),
        ),
      ),
    ),
  );
const neededOf = (access: typeof NEEDED_ACCESS) =>
  access.flatMap(({ group, resource, verbs, only }) =>
    verbs.map((verb) => words(verb, `${resource}.${group}`, only && [only.namespace, only.name])),
  );

describe('the roles that are deployed', () => {
  it('grant just what setup asks for, no more and no less', () => {
    const roles = rolesOf('kubernetes');
    assert.equal(roles.length, 2);
    assert.deepEqual(grantedBy(roles).toSorted(), [...new Set(neededOf(NEEDED_ACCESS))].toSorted());
  });

  it('grant what removes nodes of Karpenter’s apart from the rest', () => {
    const roles = rolesOf('karpenter');
    assert.deepEqual(grantedBy(roles), neededOf(KARPENTER_ACCESS));
    assert.ok(!grantedBy(rolesOf('kubernetes')).some((one) => one.startsWith('delete')));
  });
});

interface Review {
  readonly spec: { readonly resourceAttributes: { readonly verb: string } };
}

describe('checking the rights', () => {
  it('looks at the deletion of NodeClaims only where policy wants it', async (t) => {
    const standIn = await startStandIn(({ method, body }) => {
      if (method === 'GET') return { status: 200, body: { gitVersion: 'v1.36.3' } };
      const { verb } = (JSON.parse(body) as Review).spec.resourceAttributes;
      return { status: 201, body: { status: { allowed: verb !== 'delete' } } };
    });
    const kubeconfig = writeKubeconfig(standIn.url);
    t.after(async () => {
      await standIn.close();
      kubeconfig.remove();
    });
    const missing = async (removesNodeClaims: boolean) => {
      const options = { kubeconfigPath: kubeconfig.path, namespaces: ['shop'], removesNodeClaims };
      return (await checkAccess(options)).verdicts.filter(({ allowed }) => !allowed);
    };
    assert.deepEqual(await missing(true), [
      { verb: 'delete', resource: 'nodeclaims.karpenter.sh', allowed: false, reason: 'not allowed' },
    ]);
    assert.deepEqual(await missing(false), []);
  });
});

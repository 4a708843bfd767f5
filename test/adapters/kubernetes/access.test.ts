import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { NEEDED_ACCESS } from '../../../adapters/kubernetes/access.ts';

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

const text = readFileSync(new URL('../../../deploy/kubernetes/rbac.yaml', import.meta.url), 'utf8');
const roles = parseAllDocuments(text)
  .map((document) => document.toJS() as Role)
  .filter(({ kind }) => kind === 'ClusterRole' || kind === 'Role');

/** 'get configmaps. kube-system/cluster-autoscaler-status', and without a place where it is all of them. */
const words = (verb: string, resource: string, place: readonly (string | undefined)[] = []) =>
  [`${verb} ${resource}`, place.join('/')].join(' ').trim();

describe('the roles that are deployed', () => {
  it('grant just what setup asks for, no more and no less', () => {
    const granted = roles.flatMap(({ metadata: { namespace }, rules }) =>
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
    const needed = NEEDED_ACCESS.flatMap(({ group, resource, verbs, only }) =>
      verbs.map((verb) => words(verb, `${resource}.${group}`, only && [only.namespace, only.name])),
    );
    assert.equal(roles.length, 2);
    assert.deepEqual(granted.toSorted(), [...new Set(needed)].toSorted());
  });
});

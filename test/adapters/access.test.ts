import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { NEEDED_ACCESS } from '../../adapters/kubernetes/access.ts';

interface Role {
  readonly kind: string;
  readonly rules: readonly {
    readonly apiGroups: readonly string[];
    readonly resources: readonly string[];
    readonly verbs: readonly string[];
  }[];
}

const text = readFileSync(new URL('../../deploy/kubernetes/rbac.yaml', import.meta.url), 'utf8');
const role = parseAllDocuments(text)
  .map((document) => document.toJS() as Role)
  .find(({ kind }) => kind === 'ClusterRole');

describe('the role that is deployed', () => {
  it('grants just what setup asks for, no more and no less', () => {
    const granted = (role?.rules ?? []).flatMap(({ apiGroups, resources, verbs }) =>
      apiGroups.flatMap((group) =>
        resources.flatMap((resource) => verbs.map((verb) => `${verb} ${resource}.${group}`)),
      ),
    );
    const needed = NEEDED_ACCESS.flatMap(({ group, resource, verbs }) =>
      verbs.map((verb) => `${verb} ${resource}.${group}`),
    );
    assert.deepEqual(granted.toSorted(), [...new Set(needed)].toSorted());
  });
});

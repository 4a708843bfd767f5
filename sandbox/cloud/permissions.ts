import type { Resource } from './request.ts';

interface Policy {
  readonly Statement: readonly {
    readonly Effect: 'Allow' | 'Deny';
    readonly Action: string | readonly string[];
    readonly Resource: string | readonly string[];
    readonly Condition?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  }[];
}

const TAG = 'aws:ResourceTag/';

/**
 * As much of IAM as the policy that is shipped uses: allowing statements, `*` in actions and resources, and StringEquals on a
 * resource's tags. What else stands in a policy is a fault here, so that nothing in it passes unjudged.
 */
export function readPermissions(text: string, cluster: string): (action: string, resource: Resource) => boolean {
  const { Statement }: Policy = JSON.parse(text.replaceAll('CLUSTER_NAME', cluster));
  const rules = Statement.map(({ Effect, Action, Resource, Condition = {} }) => {
    const { StringEquals = {}, ...others } = Condition;
    const strange = [...Object.keys(others), ...Object.keys(StringEquals).filter((key) => !key.startsWith(TAG))];
    if (Effect !== 'Allow' || strange.length > 0)
      throw new Error(`the stand-in cannot judge ${Effect} ${strange.join(', ')} of the policy`);
    const [actions, resources] = [[Action].flat().map(globOf), [Resource].flat().map(globOf)];
    const tags = Object.entries(StringEquals).map(([key, value]) => [key.slice(TAG.length), value] as const);
    return { actions, resources, tags };
  });
  return (action, { arn, tags: had }) =>
    rules.some(
      ({ actions, resources, tags }) =>
        actions.some((glob) => glob.test(action)) &&
        resources.some((glob) => glob.test(arn)) &&
        tags.every(([name, value]) => had[name] === value),
    );
}

function globOf(pattern: string): RegExp {
  const literal = pattern.split('*').map((part) => part.replaceAll(/[.+?^${}()|[\]\\]/g, String.raw`\$&`));
  return new RegExp(`^${literal.join('.*')}$`);
}

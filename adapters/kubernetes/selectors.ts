import type { V1LabelSelector } from '@kubernetes/client-node';
import type { Raw } from './kinds.ts';

/** spec.selector as the text that a list request takes. */
export function labelSelectorText(selector: Raw<V1LabelSelector> | undefined): string {
  const equals = Object.entries(selector?.matchLabels ?? {}).map(([key, value]) => `${key}=${value}`);
  const expressions = (selector?.matchExpressions ?? []).map(({ key, operator, values = [] }) => {
    if (operator === 'Exists') return key;
    if (operator === 'DoesNotExist') return `!${key}`;
    return `${key} ${operator === 'In' ? 'in' : 'notin'} (${values.join(',')})`;
  });
  return [...equals, ...expressions].join(',');
}

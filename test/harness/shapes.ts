/** `Instances[].InstanceId: string` of every value in an answer; without what the SDK adds. */
export function shapeOf(value: unknown, path = ''): readonly string[] {
  if (value === undefined) return [];
  if (value instanceof Date) return [`${path}: time`];
  if (Array.isArray(value)) return [...new Set(value.flatMap((item) => shapeOf(item, `${path}[]`)))];
  if (typeof value !== 'object' || value === null) return [`${path}: ${typeof value}`];
  return Object.entries(value).flatMap(([name, child]) =>
    name === '$metadata' ? [] : shapeOf(child, path === '' ? name : `${path}.${name}`),
  );
}

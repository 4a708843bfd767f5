import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';

/** For tests that write a history, or a part of one, by hand and replay it. */
export const silent = new DefaultLogger('ERROR', () => undefined);

const toBase64 = (text: string) => Buffer.from(text).toString('base64');

/** A value as JSON histories have it. */
export const payloadOf = (value: unknown) => ({
  metadata: { encoding: toBase64('json/plain') },
  data: toBase64(JSON.stringify(value)),
});

export function bundleWorkflows() {
  const workflowsPath = fileURLToPath(new URL('../../workflows/index.ts', import.meta.url));
  return bundleWorkflowCode({ workflowsPath, logger: silent });
}

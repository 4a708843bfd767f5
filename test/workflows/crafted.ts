import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger, Runtime } from '@temporalio/worker';
import { buildWorkflowBundle } from '../../worker/bundle.ts';

/** For tests that write a history, or a part of one, by hand and replay it. */
const silent = new DefaultLogger('ERROR', () => undefined);

const toBase64 = (text: string) => Buffer.from(text).toString('base64');

/** A value as JSON histories have it. */
export const payloadOf = (value: unknown) => ({
  metadata: { encoding: toBase64('json/plain') },
  data: toBase64(JSON.stringify(value)),
});

/** The workflows of today, for a worker that replays: bundled once for all tests of a process, whose runtime it makes silent. */
export const replayable = once(async () => {
  Runtime.install({ logger: silent });
  return { workflowBundle: await buildWorkflowBundle(silent) };
});

export function bundle(path: string) {
  return bundleWorkflowCode({ workflowsPath: fileURLToPath(new URL(path, import.meta.url)), logger: silent });
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => (made ??= make());
}

import { PolicyError } from '../adapters/policy-file.ts';
import { readWorkerConfig } from './config.ts';
import { startWorker } from './main.ts';

/** Runs until it is told to stop (SIGINT, SIGTERM); exit code 1 with the reason where it cannot start, or go on. */
export async function runWorkerProcess(files: readonly string[] | undefined): Promise<void> {
  const config = readWorkerConfig(process.env);
  try {
    const worker = await startWorker({ ...config, policyFiles: files ?? config.policyFiles });
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => worker.stop());
    await worker.done;
  } catch (error) {
    process.stderr.write(`headroom worker: ${startFault(error, config.temporal.connectionOptions.address)}\n`);
    // what has failed may keep the process open for ever
    process.exit(1);
  }
}

function startFault(error: unknown, address: string | undefined): string {
  if (error instanceof PolicyError) return error.message;
  const message = error instanceof Error ? error.message : String(error);
  return /connect|transport/i.test(message)
    ? `Temporal does not answer at ${address ?? 'localhost:7233'} (${message}); set TEMPORAL_ADDRESS or start a sandbox`
    : message;
}

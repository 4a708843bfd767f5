import { isRunning, readName, readStatus, sandboxDirectory } from './state.ts';

export interface ControlRequest {
  /** Which sandbox. */
  readonly name: string;
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** `/load` */
  readonly path: string;
  readonly body?: object;
  /** What is said where this sandbox has no such path. */
  readonly absent: string;
}

/** What was asked wrongly: exit code 2. */
export class Refused extends Error {}

/** Asks the control endpoint of a sandbox that runs; what it refuses is an error with its words. */
export async function askControl<T>({ name, method, path, body, absent }: ControlRequest): Promise<T> {
  const status = readStatus(sandboxDirectory(readName(name)));
  if (status === undefined || !isRunning(status)) {
    throw new Error(`sandbox ${name} is not running; "headroom sandbox up --detach --name ${name}" starts it`);
  }
  const reply = await fetch(`${status.addresses.control}${path}`, {
    method,
    signal: AbortSignal.timeout(10_000),
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const answer: T & { readonly error?: string } = JSON.parse(await reply.text());
  if (reply.ok) return answer;
  if (reply.status === 400) throw new Refused(answer.error);
  throw new Error(reply.status === 404 ? absent : answer.error);
}

import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';

const DIRECTORY = join(import.meta.dirname, '../histories');
type History = Parameters<typeof historyToJSON>[0];

/** A history as it is replayed later, without what tells of the machine that made it. */
export function writeHistory(name: string, history: History): void {
  mkdirSync(DIRECTORY, { recursive: true });
  const text = JSON.stringify(JSON.parse(historyToJSON(history)), (key, value: unknown) => {
    if (key === 'stackTrace') return undefined;
    if (key === 'data' && typeof value === 'string') return withoutHost(value);
    return key === 'identity' ? 'recorded' : value;
  });
  writeFileSync(join(DIRECTORY, `${name}.json`), `${text.replaceAll(`@${hostname()}`, '@laptop')}\n`);
}

/** A payload, in base64 as JSON histories have it. */
function withoutHost(data: string): string {
  const text = Buffer.from(data, 'base64').toString();
  return Buffer.from(text.replaceAll(`@${hostname()}`, '@laptop')).toString('base64');
}

/** Those whose names begin so; they are many. */
export function readHistories(prefix = ''): readonly { readonly name: string; readonly history: unknown }[] {
  return readdirSync(DIRECTORY)
    .filter((file) => file.startsWith(prefix) && file.endsWith('.json'))
    .toSorted()
    .map((file) => ({ name: file, history: JSON.parse(readFileSync(join(DIRECTORY, file), 'utf8')) as unknown }));
}

interface Event {
  readonly workflowExecutionStartedEventAttributes?: {
    readonly workflowId: string;
    readonly originalExecutionRunId: string;
  };
}

/** A run's claims bear its id, so what is replayed must have its own. */
export function ownIdsOf(history: unknown): { readonly workflowId: string; readonly runId: string } {
  const { events } = history as { readonly events: readonly Event[] };
  const started = events[0]?.workflowExecutionStartedEventAttributes;
  if (started === undefined) throw new Error('the history does not begin with a start');
  return { workflowId: started.workflowId, runId: started.originalExecutionRunId };
}

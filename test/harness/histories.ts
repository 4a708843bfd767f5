import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';

const DIRECTORY = join(import.meta.dirname, '../histories');
type History = Parameters<typeof historyToJSON>[0];

/** A history as it is replayed later, without what tells of the machine that made it. */
export function writeHistory(name: string, history: History): void {
  mkdirSync(DIRECTORY, { recursive: true });
  const text = JSON.stringify(historyToJSON(history), (key, value: unknown) => {
    if (key === 'stackTrace') return undefined;
    return key === 'identity' || key === 'stickyQueue' ? 'recorded' : value;
  });
  writeFileSync(join(DIRECTORY, `${name}.json`), `${text}\n`);
}

export function readHistories(): readonly { readonly name: string; readonly history: unknown }[] {
  return readdirSync(DIRECTORY)
    .filter((file) => file.endsWith('.json'))
    .toSorted()
    .map((file) => ({ name: file, history: JSON.parse(readFileSync(join(DIRECTORY, file), 'utf8')) as unknown }));
}

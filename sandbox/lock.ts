import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Lock {
  release(): void;
}

/** What nothing refers to is collected, and closed with that: a lock must not end because its taker forgot it. */
const held = new Set<DatabaseSync>();

/**
 * Takes the lock of a file, or answers undefined while another process has it.
 * The lock is the kernel's (SQLite takes it portably), so it ends with its process, however that dies:
 * there is no stale lock to recognise, and no pid that may meanwhile belong to someone else.
 */
export function tryLock(file: string): Lock | undefined {
  mkdirSync(dirname(file), { recursive: true });
  const database = new DatabaseSync(file, { timeout: 0 });
  try {
    database.exec('BEGIN EXCLUSIVE');
    held.add(database);
    return {
      release() {
        held.delete(database);
        database.close();
      },
    };
  } catch (error) {
    database.close();
    if (error instanceof Error && error.message.includes('locked')) return undefined;
    throw error;
  }
}

export function isLocked(file: string): boolean {
  const lock = tryLock(file);
  lock?.release();
  return lock === undefined;
}

/** Waits for the lock; `onWait` is called once, when there is somebody to wait for. */
export async function withLock<T>(file: string, onWait: () => void, work: () => Promise<T>): Promise<T> {
  let lock = tryLock(file);
  if (lock === undefined) onWait();
  while (lock === undefined) {
    await sleep(200);
    lock = tryLock(file);
  }
  try {
    return await work();
  } finally {
    lock.release();
  }
}

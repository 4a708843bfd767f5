import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { eventually } from '../test/harness/eventually.ts';

/** What the API server noted of a write, as far as a bench reads it. */
export interface AuditedWrite {
  readonly verb: string;
  readonly userAgent: string;
  readonly stageTimestamp: string;
  readonly responseStatus: { readonly code: number };
  readonly objectRef: { readonly namespace?: string; readonly resource: string; readonly name: string };
}

/** The end of the audit log, read on and on: cheaper than asking the API server, whose speed is measured. */
export function openAuditTail(file: string) {
  let offset = statSync(file).size;
  let rest = '';
  let lines: string[] = [];

  function readOn(): void {
    const { size } = statSync(file);
    if (size <= offset) return;
    const chunk = Buffer.alloc(size - offset);
    const descriptor = openSync(file, 'r');
    readSync(descriptor, chunk, 0, chunk.length, offset);
    closeSync(descriptor);
    offset = size;
    const all = `${rest}${chunk.toString()}`.split('\n');
    rest = all.pop() ?? '';
    lines.push(...all);
  }

  return {
    /** When the first successful PATCH whose record holds this text was done, in milliseconds since 1970, fractions included. */
    async untilPatched(text: string): Promise<number> {
      const found = await eventually(
        `a PATCH with ${text}`,
        async () => {
          readOn();
          return lines
            .filter((line) => line.includes(text))
            .map((line) => JSON.parse(line) as AuditedWrite)
            .find(({ verb, responseStatus }) => verb === 'patch' && responseStatus.code < 300);
        },
        { withinMs: 30_000, everyMs: 3 },
      );
      lines = [];
      return msOf(found.stageTimestamp);
    },
    /**
     * When headroom's first successful PATCH of each of these Deployments was done, by name; those that were not patched in time are not in it.
     */
    async untilEachPatched(
      { namespace, names }: { readonly namespace: string; readonly names: readonly string[] },
      { withinMs }: { readonly withinMs: number },
    ): Promise<ReadonlyMap<string, number>> {
      const [wanted, patchedMs] = [new Set(names), new Map<string, number>()];
      const look = async () => {
        readOn();
        for (const line of lines.splice(0)) {
          if (!line.includes(namespace) || !line.includes('headroom/')) continue;
          const { verb, objectRef, responseStatus, stageTimestamp } = JSON.parse(line) as AuditedWrite;
          if (verb !== 'patch' || responseStatus.code >= 300 || objectRef.resource !== 'deployments') continue;
          if (wanted.has(objectRef.name) && !patchedMs.has(objectRef.name))
            patchedMs.set(objectRef.name, msOf(stageTimestamp));
        }
        return patchedMs.size === wanted.size;
      };
      await eventually('each is patched', look, { withinMs, everyMs: 50 }).catch(() => undefined);
      return patchedMs;
    },
  };
}

/** RFC 3339 with microseconds, of which Date keeps three digits. */
function msOf(timestamp: string): number {
  const [, whole = '', micros = '0'] = /^(.*\.\d{3})(\d*)Z$/.exec(timestamp) ?? [];
  return Date.parse(`${whole}Z`) + Number(`0.${micros}`);
}

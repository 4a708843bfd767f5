import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { eventually } from '../test/harness/eventually.ts';

/** What the API server noted of a write, as far as a bench reads it. */
export interface AuditedWrite {
  readonly verb: string;
  readonly userAgent: string;
  readonly stageTimestamp: string;
  readonly responseStatus: { readonly code: number };
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
  };
}

/** RFC 3339 with microseconds, of which Date keeps three digits. */
function msOf(timestamp: string): number {
  const [, whole = '', micros = '0'] = /^(.*\.\d{3})(\d*)Z$/.exec(timestamp) ?? [];
  return Date.parse(`${whole}Z`) + Number(`0.${micros}`);
}

import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';

export type BodyReading =
  | { readonly kind: 'body'; readonly bytes: Buffer }
  | { readonly kind: 'too large' }
  /** The sender went away; nobody is left to be answered. */
  | { readonly kind: 'broken off' };

/** Collects a body, and stops at the first byte too many, whether or not the length was said beforehand. */
export function readBody(
  incoming: Readable & Pick<IncomingMessage, 'headers'>,
  mostBytes: number,
): Promise<BodyReading> {
  if (Number(incoming.headers['content-length'] ?? 0) > mostBytes) return Promise.resolve({ kind: 'too large' });
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const finish = (reading: BodyReading) => {
      incoming.off('data', collect).off('end', complete).off('close', breakOff).off('error', breakOff);
      // what was read before it was too much is kept by nobody
      chunks.length = 0;
      resolve(reading);
    };
    const complete = () => finish({ kind: 'body', bytes: Buffer.concat(chunks, length) });
    const breakOff = () => finish({ kind: 'broken off' });
    const collect = (chunk: Buffer) => {
      length += chunk.length;
      chunks.push(chunk);
      if (length <= mostBytes) return;
      incoming.pause();
      finish({ kind: 'too large' });
    };
    incoming.on('data', collect).on('end', complete).on('close', breakOff).on('error', breakOff);
  });
}

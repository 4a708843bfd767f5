import { DefaultLogger, type LogEntry, type Logger } from '@temporalio/worker';
import { pino } from 'pino';

/** One JSON line an entry on stderr, for the SDK, workflows and activities alike. */
export function createLogger(level: string): Logger {
  const sink = pino({ level, base: { name: 'headroom' } }, pino.destination(2));
  const levels = { TRACE: 'trace', DEBUG: 'debug', INFO: 'info', WARN: 'warn', ERROR: 'error' } as const;
  return new DefaultLogger('TRACE', ({ level: at, message, meta }: LogEntry) => {
    sink[levels[at]](withoutSymbols(meta), message);
  });
}

function withoutSymbols(meta: LogEntry['meta']): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(meta ?? {}).map(([key, value]) => [
      key,
      value instanceof Error ? { message: value.message, stack: value.stack } : value,
    ]),
  );
}

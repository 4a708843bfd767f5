import type { Client } from '@temporalio/client';
import { EXIT } from './exit.ts';
import { forTerminal } from './terminal.ts';
import { runText } from './text.ts';
import { time } from './time.ts';
import { viewRun, type RunView } from './runs.ts';

const EVERY_MS = 1_000;

/** Shows a run until it closes: live on a terminal, otherwise a line on stderr for each thing that changes. */
export async function watchRun(client: Client, id: string): Promise<RunView> {
  const show = process.stderr.isTTY ? repaint() : changes();
  for (;;) {
    const view = await viewRun(client, id);
    show(view);
    if (view.state !== 'RUNNING') return view;
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
  }
}

/**
 * done 0; refused and unapproved 3; short, missed, undone, not or partly added or removed, removed while other instances were lost,
 * failed, cancelled, terminated 1.
 */
export function exitCodeOf({ state, result }: RunView): number {
  if (state !== 'COMPLETED' || result === null) return EXIT.failed;
  if (result.outcome === 'refused' || result.outcome === 'unapproved') return EXIT.refused;
  if ('lost' in result && result.lost.length > 0) return EXIT.failed;
  return ['short', 'missed', 'undone', 'partly added', 'not added', 'partly removed', 'not drained'].includes(
    result.outcome,
  )
    ? EXIT.failed
    : EXIT.done;
}

function repaint(): (view: RunView) => void {
  let drawn = 0;
  return (view) => {
    const width = process.stderr.columns ?? 120;
    const lines = forTerminal(runText(view))
      .split('\n')
      .map((line) => line.slice(0, width - 1));
    process.stderr.write(
      `${drawn === 0 ? '' : `\u001B[${drawn}A`}${lines.map((line) => `\u001B[2K${line}`).join('\n')}\n\u001B[J`,
    );
    drawn = lines.length;
  };
}

function changes(): (view: RunView) => void {
  let said = 0;
  let last = '';
  return (view) => {
    const { status } = view;
    const lines = (status?.timeline ?? []).slice(said).map(({ atMs, what }) => `${time(atMs)} ${what}`);
    said = Math.max(said, status?.timeline.length ?? 0);
    const waits = view.pending
      .filter(({ lastFailure }) => lastFailure !== null)
      .map(({ activity, lastFailure }) => `${activity}: ${lastFailure}`)
      // Temporal lists them now in this order, now in that
      .toSorted();
    const now = [whereItIs(view), ...waits].filter((line) => line !== '').join(' | ');
    if (now !== last && now !== '') lines.push(`${time(Date.now())} ${now}`);
    last = now;
    for (const line of lines) process.stderr.write(`${forTerminal(line)}\n`);
  };
}

function whereItIs({ status, state }: RunView): string {
  if (status === null) return state === 'RUNNING' ? 'worker not answering' : '';
  const { what, atMs } = status.next;
  return `${status.phase}; next: ${what}${atMs === null ? '' : ` ${time(atMs)}`}`;
}

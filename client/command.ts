import type { Command } from 'commander';
import { CommandFailed, EXIT } from './exit.ts';
import { forTerminal } from './terminal.ts';

export interface OutputOptions {
  readonly json?: boolean;
}

/** Runs one command: what it answers goes to stdout (as one JSON document with --json), what stops it to stderr and the exit code. */
export async function run(
  options: OutputOptions,
  act: () => Promise<{ readonly value: unknown; readonly text: string; readonly code?: number }>,
): Promise<void> {
  try {
    const { value, text, code = EXIT.done } = await act();
    process.stdout.write(options.json === true ? `${JSON.stringify(value)}\n` : `${forTerminal(text)}\n`);
    process.exitCode = code;
  } catch (error) {
    const code = error instanceof CommandFailed ? error.code : EXIT.failed;
    const message = error instanceof Error ? error.message : String(error);
    if (options.json === true)
      process.stdout.write(
        `${JSON.stringify({ error: message, ...(error instanceof CommandFailed && error.details) })}\n`,
      );
    process.stderr.write(`headroom: ${forTerminal(message)}\n`);
    process.exitCode = code;
  }
}

export function withJson(command: Command): Command {
  return command.option('--json', 'one JSON document on stdout and nothing else there');
}

import type { Command } from 'commander';
import type { OutputOptions } from './command.ts';

/** Of a command that asks for a run. */
export interface AskingOptions extends OutputOptions {
  readonly as?: string;
  readonly wait?: boolean;
}

/** A command on one workload. */
export function onWorkload(command: Command): Command {
  return command.argument('<workload>', 'a workload of headroom.yaml');
}

export function withAs(command: Command): Command {
  return command.option('--as <who>', 'who asks (default: user@host)');
}

export function withWait(command: Command): Command {
  return command.option('--wait', 'stay until the run has ended; its outcome is the exit code');
}

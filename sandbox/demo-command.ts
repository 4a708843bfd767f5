import { Option, type Command } from 'commander';

/** Adds `headroom sandbox demo`, which is what `npm start` runs. */
export function registerDemoCommand(sandbox: Command): void {
  sandbox
    .command('demo')
    .description(
      'a real pre-scale from start to end, and an alert storm in it, on a short clock: what it types, you can type',
    )
    .option('--name <name>', 'which sandbox; one that runs already is used, and left running', 'default')
    .option('--no-storm', 'the first act alone: the event goes as it was foreseen')
    // for tests: how long until the event starts; it lasts twice as long
    .addOption(new Option('--clock <seconds>').default('30').hideHelp())
    .action(async ({ name, clock, storm }: DemoFlags) => {
      const { runDemo } = await import('./demo.ts');
      // what is under way when somebody presses Ctrl-C is not waited for
      process.exit(await runDemo({ name, clockMs: Number(clock) * 1_000, withStorm: storm }));
    });
}

interface DemoFlags {
  readonly name: string;
  readonly clock: string;
  readonly storm: boolean;
}

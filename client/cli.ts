import type { Command } from 'commander';
import { registerAddNodes } from './commands/add-nodes.ts';
import { registerAutoscaler } from './commands/autoscaler.ts';
import { registerEmergency } from './commands/emergency.ts';
import { registerLedger, type RestoreOffline } from './commands/ledger.ts';
import { registerPreScale } from './commands/pre-scale.ts';
import { registerReport } from './commands/report.ts';
import { registerRuns } from './commands/runs.ts';
import { registerSchedule } from './commands/schedule.ts';
import { registerSteering } from './commands/steer.ts';
import { registerDrain } from './commands/drain.ts';
import { registerGpu } from './commands/gpu.ts';

/** Everything that starts, shows or steers a run: these talk to Temporal only. */
export function registerClientCommands(program: Command, restoreOffline: RestoreOffline): void {
  const plan = program.command('plan').description('what a procedure would do; touches nothing');
  registerPreScale(program, plan);
  registerEmergency(program, plan);
  registerAutoscaler(program, plan);
  registerDrain(program, plan);
  registerAddNodes(program, plan);
  registerGpu(program);
  registerRuns(program);
  registerReport(program);
  registerSteering(program);
  registerLedger(program, restoreOffline);
  registerSchedule(program);
}

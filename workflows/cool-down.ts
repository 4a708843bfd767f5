import { condition } from '@temporalio/workflow';
import { formatDuration } from '../domain/duration.ts';
import type { Alerts } from './alerts.ts';
import type { Run } from './run.ts';

/** Open for a while, so that what was answered is not answered again; a new firing ends it, and gets a run of its own. */
export async function coolDown(
  { run, alerts }: { readonly run: Run; readonly alerts: Alerts },
  cooldownMs: number,
): Promise<void> {
  if (!alerts.heardAny() || cooldownMs === 0) return;
  const untilMs = Date.now() + cooldownMs;
  alerts.cool(`the cooldown of ${formatDuration(cooldownMs)} until ${new Date(untilMs).toISOString()}`);
  run.enter('cooling down', { what: 'nothing: alerts that it has answered are not answered again', atMs: untilMs });
  try {
    await condition(alerts.isNewWanted, cooldownMs, { summary: `cooldown of ${formatDuration(cooldownMs)}` });
  } finally {
    run.enter('done', { what: 'nothing', atMs: null });
  }
}

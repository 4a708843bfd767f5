import { createHash } from 'node:crypto';
import type { PlanIntent } from '../domain/approval.ts';
import type { AdditionIntent } from '../domain/addition.ts';
import type { DrainIntent } from '../domain/drain-intent.ts';
import { canonicalJson } from '../domain/json.ts';
import type { ConfigurationIntent } from '../domain/configuration.ts';
import {
  resolveAutoscaler,
  resolveEmergency,
  resolvePolicy,
  resolveSteps,
  type ResolvedAutoscaler,
  type ResolvedEmergency,
  type ResolvedPolicy,
  type ResolvedSteps,
} from '../domain/policy.ts';
import { failure } from './failure.ts';
import type { Ports } from './ports.ts';

export function createPolicyActivities({ policy }: Pick<Ports, 'policy'>) {
  /** A run's policy as it is now: part of its history from here on. Unknown workloads are a value that names the known ones. */
  async function resolveWorkloadPolicy(
    workload: string,
  ): Promise<ResolvedPolicy | { readonly known: readonly string[] }> {
    const resolved = resolvePolicy(policy.policy(), workload);
    return 'known' in resolved ? { known: resolved.known } : resolved;
  }
  /** The same for an emergency scale-up, with its terms and the decision matrix. */
  async function resolveEmergencyPolicy(
    workload: string,
  ): Promise<ResolvedEmergency | { readonly known: readonly string[] }> {
    const resolved = resolveEmergency(policy.policy(), workload);
    return 'known' in resolved ? { known: resolved.known } : resolved;
  }
  /** The same for steps, with those of this workload. */
  async function resolveStepPolicy(workload: string): Promise<ResolvedSteps | { readonly known: readonly string[] }> {
    const resolved = resolveSteps(policy.policy(), workload);
    return 'known' in resolved ? { known: resolved.known } : resolved;
  }
  /** The same with what the file says of the workload's autoscaler. */
  async function resolveAutoscalerPolicy(
    workload: string,
  ): Promise<ResolvedAutoscaler | { readonly known: readonly string[] }> {
    const resolved = resolveAutoscaler(policy.policy(), workload);
    return 'known' in resolved ? { known: resolved.known } : resolved;
  }
  /** SHA-256 of the canonical JSON, in hex: workflows have no crypto. */
  async function hashIntent(intent: PlanIntent | ConfigurationIntent | AdditionIntent | DrainIntent): Promise<string> {
    return createHash('sha256').update(canonicalJson(intent)).digest('hex');
  }
  return { resolveWorkloadPolicy, resolveEmergencyPolicy, resolveStepPolicy, resolveAutoscalerPolicy, hashIntent };
}

/** The policy of a workload, for activities that read limits anew at each attempt. */
export function policyOf({ policy }: Pick<Ports, 'policy'>, workload: string): ResolvedPolicy {
  const resolved = resolvePolicy(policy.policy(), workload);
  if (!('known' in resolved)) return resolved;
  throw failure(
    'invalidRequest',
    `workload ${workload} is not in headroom.yaml; known are ${resolved.known.join(', ')}`,
  );
}

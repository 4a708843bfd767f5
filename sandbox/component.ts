import type { Probe } from './probes.ts';
import type { ProgramName } from './programs.ts';
import { pathIn, type Run } from './run.ts';

/** A program that the supervisor runs; one more is one more row. */
export interface Component {
  readonly name: ProgramName;
  /** Components and steps that have to be ready first. */
  readonly needs: readonly string[];
  readonly args: (run: Run) => readonly string[];
  readonly environment?: (run: Run) => Readonly<Record<string, string>>;
  /** Absent: the sandbox is ready without it. */
  readonly ready?: (run: Run) => Probe;
}

/** Something that has to be done once on the way up, between the programs. */
export interface Step {
  readonly name: string;
  readonly needs: readonly string[];
  readonly run: (run: Run) => Promise<void>;
}

export const certificate = (run: Run, name: string): string => pathIn(run, 'certificates', `${name}.crt`);
export const key = (run: Run, name: string): string => pathIn(run, 'certificates', `${name}.key`);

/** The three flags by which a Kubernetes program reaches the API server and has its own callers checked there. */
export function delegated(run: Run): readonly string[] {
  const kubeconfig = pathIn(run, 'kubeconfig');
  return ['kubeconfig', 'authentication-kubeconfig', 'authorization-kubeconfig'].map(
    (flag) => `--${flag}=${kubeconfig}`,
  );
}

/** Client limits made for shared clusters would stretch a scale-up of 50 pods over seconds. */
export const UNHURRIED = ['--kube-api-qps=500', '--kube-api-burst=1000'];

import { readFile } from 'node:fs/promises';
import {
  isMap as isMapNode,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  visit,
  type Document,
  type Node,
  type Pair,
} from 'yaml';
import type { z } from 'zod';
import type { DrainPolicy } from '../domain/drain-policy.ts';
import type {
  AdditionPolicy,
  AlertRule,
  AutoscalerPolicy,
  EmergencyScaleUpPolicy,
  Policy,
  TriggerPolicy,
  WorkloadPolicy,
} from '../domain/policy.ts';
import { checkPolicyFile, isMap, look } from './policy-checks.ts';
import { list, pathOf, PolicyError, show, suggestion, type Finding, type PolicyFault } from './policy-faults.ts';
import { childrenOf, unwrap } from './policy-json-schema.ts';
import { PolicyFile } from './policy-schema.ts';

export { formatFaults, PolicyError, type PolicyFault } from './policy-faults.ts';

/** A file's text and the name by which faults point to it. */
export interface PolicySource {
  readonly name: string;
  readonly text: string;
}

export type PolicyReading =
  | { readonly kind: 'policy'; readonly policy: Policy }
  | { readonly kind: 'faults'; readonly faults: readonly PolicyFault[] };

/**
 * Loads headroom.yaml and the overlays after it, each merged over what precedes it: maps key by key, while lists and single
 * values replace. Throws PolicyError, with every fault of every file, and nothing else.
 */
export async function loadPolicy(paths: readonly string[]): Promise<Policy> {
  const sources = await Promise.all(paths.map(readSource));
  const unread = sources.flatMap((source) => ('path' in source ? [source] : []));
  if (unread.length > 0) throw new PolicyError(unread);
  const reading = readPolicy(sources.flatMap((source) => ('text' in source ? [source] : [])));
  if (reading.kind === 'policy') return reading.policy;
  throw new PolicyError(reading.faults);
}

async function readSource(path: string): Promise<PolicySource | PolicyFault> {
  try {
    return { name: path, text: await readFile(path, 'utf8') };
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    const found = code === 'ENOENT' ? 'no such file' : `a file that cannot be read (${code})`;
    return { path: '', found, accepted: 'a YAML file', where: path };
  }
}

/** The policy that the sources make together, or every fault that they have. */
export function readPolicy(sources: readonly PolicySource[]): PolicyReading {
  const parsed = sources.map(parseSource);
  const broken = parsed.flatMap(({ faults }) => faults);
  if (broken.length > 0) return { kind: 'faults', faults: broken };
  const file = parsed.map(({ data }) => data).reduce<unknown>(merge, {});
  const repeated = parsed.flatMap(({ repeated }) => repeated);
  const result = PolicyFile.safeParse(file);
  const findings = [
    ...(result.success ? [] : result.error.issues.flatMap((issue) => asFindings(issue, file))),
    ...checkPolicyFile(file),
  ];
  const faults = [...repeated, ...inFileOrder(findings, parsed)];
  if (faults.length > 0 || !result.success) return { kind: 'faults', faults: withoutRepeats(faults) };
  return { kind: 'policy', policy: asPolicy(result.data) };
}

interface Parsed {
  readonly name: string;
  readonly document: Document.Parsed;
  readonly lines: LineCounter;
  readonly data: unknown;
  /** After these the data means nothing. */
  readonly faults: readonly PolicyFault[];
  /** Keys that stand twice in one map; the rest is still worth judging. */
  readonly repeated: readonly PolicyFault[];
}

function parseSource({ name, text }: PolicySource): Parsed {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    uniqueKeys: false,
    logLevel: 'error',
  });
  const repeated: PolicyFault[] = [];
  const broken = [...document.errors, ...document.warnings].map(({ message, pos }) => ({ message, offset: pos[0] }));
  visit(document, {
    Alias(_, alias, ancestors) {
      const target = alias.resolve(document);
      const offset = alias.range?.[0] ?? 0;
      if (target === undefined) broken.push({ message: `alias *${alias.source} has no anchor`, offset });
      else if (ancestors.includes(target)) broken.push({ message: `alias *${alias.source} stands in itself`, offset });
    },
    Map(_, map, ancestors) {
      const firstLines = new Map<string, number>();
      for (const { key } of map.items) {
        const word = keyText(key);
        const line = lineOf(key, lines);
        const first = firstLines.get(word);
        if (first === undefined) firstLines.set(word, line);
        else {
          const path = pathOf([...keysAbove(map, ancestors), word]);
          const found = `the key a second time (first on line ${first})`;
          repeated.push({ path, found, accepted: 'each key once', where: `${name}:${line}` });
        }
      }
    },
  });
  const faults = broken.map(({ message, offset }) => {
    const { line, col } = lines.linePos(offset);
    const found = `broken YAML: ${message.replaceAll(/\s+/g, ' ')}`;
    return { path: '', found, accepted: 'YAML 1.2, one document, no tags', where: `${name}:${line}:${col}` };
  });
  if (faults.length > 0) return { name, document, lines, repeated, data: undefined, faults };
  try {
    // an empty overlay changes nothing
    return { name, document, lines, repeated, data: document.toJS() ?? {}, faults };
  } catch (error) {
    // aliases that multiply beyond reason
    const found = `broken YAML: ${error instanceof Error ? error.message : String(error)}`;
    const fault = { path: '', found, accepted: 'YAML with fewer aliases', where: name };
    return { name, document, lines, repeated, data: undefined, faults: [fault] };
  }
}

/** The keys and places on the way to a node. */
function keysAbove(node: Node, ancestors: readonly (Document | Node | Pair)[]): readonly string[] {
  return ancestors.flatMap((above, i) => {
    if (isPair(above)) return [keyText(above.key)];
    const next = ancestors[i + 1] ?? node;
    return isSeq(above) ? [String(above.items.indexOf(next))] : [];
  });
}

function keyText(key: unknown): string {
  return isScalar(key) ? String(key.value) : String(key);
}

function lineOf(node: unknown, lines: LineCounter): number {
  const range = isScalar(node) || isMapNode(node) || isSeq(node) ? node.range : undefined;
  return lines.linePos(range?.[0] ?? 0).line;
}

function merge(under: unknown, over: unknown): unknown {
  if (!isMap(under) || !isMap(over)) return over;
  const names = new Set([...Object.keys(under), ...Object.keys(over)]);
  return Object.fromEntries(
    [...names].map((name) => {
      if (!Object.hasOwn(over, name)) return [name, under[name]];
      return [name, Object.hasOwn(under, name) ? merge(under[name], over[name]) : over[name]];
    }),
  );
}

/** Keys that there were, and what says the same now. */
const REPLACED: ReadonlyMap<string, string> = new Map([
  ['drain.allowKarpenter', 'drain.karpenter in its place: refuse for false, empty for true, or remove'],
]);

/** zod's words in ours: what stands there, and what the schema says about the place. */
function asFindings(issue: z.core.$ZodIssue, file: unknown): readonly Finding[] {
  const at = issue.path.map(String);
  const schema = schemaAt(at);
  if (issue.code === 'unrecognized_keys') {
    const known = (childrenOf(unwrap(schema).core) ?? []).map(([name]) => name);
    return issue.keys.map((key) => ({
      at: [...at, key],
      found: 'an unknown key',
      accepted: REPLACED.get(pathOf([...at, key])) ?? `one of ${list(known, 'none')}${suggestion(key, known)}`,
    }));
  }
  const found = issue.code === 'custom' ? issue.message : show(look(file, at));
  return [{ at, found, accepted: acceptedAt(schema) }];
}

function schemaAt(at: readonly string[]): z.ZodType {
  return at.reduce<z.ZodType>((schema, step) => {
    const children = new Map(childrenOf(unwrap(schema).core) ?? []);
    return children.get(step) ?? children.get('*') ?? schema;
  }, PolicyFile);
}

function acceptedAt(schema: z.ZodType): string {
  const { core, note } = unwrap(schema);
  if (note.accepted !== undefined) return note.accepted;
  const names = (childrenOf(core) ?? []).map(([name]) => name);
  if (names[0] !== '*') return `a map of ${list(names, 'nothing')}`;
  return core.def.type === 'array' ? 'a list' : 'a map by name';
}

/** Each with its file and line, as a reader goes through them: file after file, downwards. */
function inFileOrder(findings: readonly Finding[], sources: readonly Parsed[]): readonly PolicyFault[] {
  return findings
    .map(({ at, found, accepted }) => ({ fault: { path: pathOf(at), found, accepted }, place: placeOf(at, sources) }))
    .toSorted((a, b) => a.place.source - b.place.source || a.place.line - b.place.line)
    .map(({ fault, place }) => {
      const name = sources[place.source]?.name;
      return name === undefined ? fault : { ...fault, where: `${name}:${place.line}` };
    });
}

interface Place {
  readonly source: number;
  readonly line: number;
}

/** Where the value stands: in the last source that has it; of an absent one, where its nearest parent stands. */
function placeOf(at: readonly string[], sources: readonly Parsed[]): Place {
  for (let depth = at.length; depth > 0; depth -= 1) {
    for (let source = sources.length - 1; source >= 0; source -= 1) {
      const parsed = sources[source];
      const line = parsed === undefined ? undefined : lineAt(parsed, at.slice(0, depth));
      if (line !== undefined) return { source, line };
    }
  }
  return { source: 0, line: 1 };
}

function lineAt({ document, lines }: Parsed, at: readonly string[]): number | undefined {
  let node: unknown = document.contents;
  let line: number | undefined;
  for (const step of at) {
    if (isMapNode(node)) {
      const pair = node.items.findLast(({ key }) => keyText(key) === step);
      if (pair === undefined) return undefined;
      line = lineOf(pair.key, lines);
      node = pair.value;
    } else if (isSeq(node)) {
      node = node.items[Number(step)];
      if (node === undefined) return undefined;
      line = lineOf(node, lines);
    } else return undefined;
  }
  return line;
}

function withoutRepeats(faults: readonly PolicyFault[]): readonly PolicyFault[] {
  return [
    ...new Map(faults.map((fault) => [JSON.stringify([fault.path, fault.found, fault.accepted]), fault])).values(),
  ];
}

function asPolicy(file: PolicyFile): Policy {
  const { quiet } = file.preScale;
  const { expiresAfter, ...approvals } = file.approval;
  return {
    cluster: file.cluster,
    prometheus: file.prometheus,
    workloads: mapValues(file.workloads, asWorkload),
    preScale: {
      leadMs: file.preScale.lead,
      availableWithinMs: file.preScale.availableWithin,
      quiet: { windowMs: quiet.window, askAfterMs: quiet.askAfter, everyMs: quiet.every, stepMs: quiet.step },
    },
    windDown: { percent: file.windDown.percent, everyMs: file.windDown.every },
    ledger: {
      ownerCheckEveryMs: file.ledger.ownerCheckEvery,
      guardEveryMs: file.ledger.guardEvery,
      whenPersonLowers: file.ledger.whenPersonLowers,
      continueAsNewAfterEvents: file.ledger.continueAsNewAfterEvents,
      continueAsNewAfterUpdates: file.ledger.continueAsNewAfterUpdates,
    },
    approval: { ...approvals, expiresAfterMs: expiresAfter },
    nodeGroups: file.nodeGroups,
    gpuInstanceTypes: file.gpuInstanceTypes,
    gpu: file.gpu,
    drain: asDrain(file.drain),
    addGpuNodes: asAddition(file.addGpuNodes),
    prices: file.prices,
    profiles: file.profiles,
    triggers: mapValues(file.triggers, asTrigger),
    stepScale: { minCooldownMs: file.stepScale.minCooldown, maxHoldMs: file.stepScale.maxHold },
    emergencyScaleUp: asEmergency(file.emergencyScaleUp),
    autoscaler: mapValues(file.autoscaler, asAutoscaler),
    sizing: file.sizing,
    capacityPlanning: file.capacityPlanning,
    ...(file.decisionMatrix && { decisionMatrix: file.decisionMatrix }),
    alertRules: mapValues(file.alertRules, asAlertRule),
    closedWindows: mapValues(file.closedWindows, ({ starts, ends, reason, workloads }) => ({
      startsAt: starts,
      endsAt: ends,
      reason,
      ...(workloads && { workloads }),
    })),
    notifications: file.notifications,
  };
}

function asWorkload({ load, ...file }: PolicyFile['workloads'][string], name: string): WorkloadPolicy {
  const metrics = Object.entries(load).map(([metric, rest]) => ({ name: metric, ...rest }));
  return { object: name, ...file, name, load: metrics };
}

function asEmergency({
  askFor,
  rolloutYoungerThan,
  maxHold,
  remindEvery,
  holdDown,
  cooldown,
  ...rest
}: PolicyFile['emergencyScaleUp']): EmergencyScaleUpPolicy {
  return {
    ...rest,
    askForMs: askFor,
    rolloutYoungerThanMs: rolloutYoungerThan,
    maxHoldMs: maxHold,
    remindEveryMs: remindEvery,
    holdDownMs: holdDown,
    cooldownMs: cooldown,
  };
}

function asDrain(file: PolicyFile['drain']): DrainPolicy {
  const { jobsLeft, allowLocalData, allowBarePods, allowUnplacedGpuPods, karpenter, oneByOne, surgeSingleReplicas } =
    file;
  return {
    protectYoungGpuJobsMs: file.protectYoungGpuJobs,
    waitForJobsMs: file.waitForJobs,
    jobsLeft,
    checkpointWithinMs: file.checkpointWithin,
    checkEveryMs: file.checkEvery,
    evictionDeadlineMs: file.evictionDeadline,
    goneWithinMs: file.goneWithin,
    cordonForMs: file.cordonFor,
    allowLocalData,
    allowBarePods,
    allowUnplacedGpuPods,
    karpenter,
    oneByOne,
    surgeSingleReplicas,
  };
}

function asAddition({
  maxPerRun,
  usableWithin,
  every,
  whenUnmet,
  askFor,
  holdMinimumFor,
}: PolicyFile['addGpuNodes']): AdditionPolicy {
  return {
    maxPerRun,
    usableWithinMs: usableWithin,
    everyMs: every,
    whenUnmet,
    askForMs: askFor,
    holdMinimumForMs: holdMinimumFor,
  };
}

function asTrigger(file: PolicyFile['triggers'][string]): TriggerPolicy {
  const { workload, metric, above, below, pods } = file;
  return {
    workload,
    metric,
    when: above === undefined ? 'below' : 'above',
    threshold: above ?? below ?? 0,
    forMs: file.for,
    pods,
    cooldownMs: file.cooldown,
  };
}

function asAutoscaler({ use, hpa, keda, thrashingStabilisation }: PolicyFile['autoscaler'][string]): AutoscalerPolicy {
  return {
    use,
    ...(hpa && { hpa: { ...hpa, scaleDown: asBehaviour(hpa.scaleDown), scaleUp: asBehaviour(hpa.scaleUp) } }),
    ...(keda && {
      keda: {
        object: keda.object,
        limits: keda.limits,
        pollingMs: keda.polling,
        cooldownMs: keda.cooldown,
        triggers: keda.triggers,
        ...(keda.scaleDown && { scaleDown: asBehaviour(keda.scaleDown) }),
        ...(keda.scaleUp && { scaleUp: asBehaviour(keda.scaleUp) }),
      },
    }),
    ...(thrashingStabilisation !== undefined && { thrashingStabilisationMs: thrashingStabilisation }),
  };
}

type Scaling = NonNullable<PolicyFile['autoscaler'][string]['hpa']>['scaleUp'];

function asBehaviour({ stabilisation, select, policies }: Scaling) {
  return {
    stabilisationMs: stabilisation,
    select,
    policies: policies.map(({ type, value, period }) => ({ type, value, periodMs: period })),
  };
}

/** The checks have seen that each alert has what its procedure needs. */
function asAlertRule({ procedure, workload = '', trigger = '', match }: PolicyFile['alertRules'][string]): AlertRule {
  const matching = match && { match };
  return procedure === 'stepScale' ? { procedure, trigger, ...matching } : { procedure, workload, ...matching };
}

function mapValues<In, Out>(
  map: Readonly<Record<string, In>>,
  change: (value: In, name: string) => Out,
): Record<string, Out> {
  return Object.fromEntries(Object.entries(map).map(([name, value]) => [name, change(value, name)]));
}

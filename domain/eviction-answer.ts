/** What the Eviction API replied, as far as it says what to do next. */
export interface EvictionReply {
  readonly status: number;
  /** Empty where the body is no metav1.Status: some proxies and the throttling of the API server answer in plain text. */
  readonly message: string;
  readonly causes: readonly { readonly reason: string; readonly message: string }[];
  readonly retryAfterMs: number | null;
}

export type EvictionAnswer =
  /** It has a deletion timestamp and goes in its own time; gone is what is not there any more. */
  | { readonly kind: 'accepted' }
  | { readonly kind: 'gone' }
  /** The name is another pod's by now. */
  | { readonly kind: 'replaced' }
  /** A disruption budget says not now; null where the words do not name it. */
  | {
      readonly kind: 'held';
      readonly why: string;
      readonly budget: string | null;
      readonly retryAfterMs: number | null;
    }
  /** More than one budget selects it: never, while that is so. */
  | { readonly kind: 'two budgets'; readonly why: string }
  /** The API server is busy, or away. */
  | { readonly kind: 'later'; readonly why: string; readonly retryAfterMs: number | null }
  /** Not as things stand: a webhook, a budget that cannot count, an eviction that cannot be read. */
  | { readonly kind: 'refused'; readonly why: string };

type Rule = readonly [when: (reply: EvictionReply) => boolean, answer: (reply: EvictionReply) => EvictionAnswer];

const later = (reply: EvictionReply): EvictionAnswer => ({
  kind: 'later',
  why: `the API server answers ${reply.status}: ${saidBy(reply)}`,
  retryAfterMs: reply.retryAfterMs,
});
const refused = (reply: EvictionReply): EvictionAnswer => ({
  kind: 'refused',
  why: `the API server answers ${reply.status}: ${saidBy(reply)}`,
});
const isHeld = ({ causes }: EvictionReply) => causes.some(({ reason }) => reason === 'DisruptionBudget');
/** Known by its words alone: it has neither reason nor details (R6). */
const isDouble = ({ message }: EvictionReply) => /more than one PodDisruptionBudget/i.test(message);

/** R51, first match wins. */
const RULES: readonly Rule[] = [
  [({ status }) => status >= 200 && status < 300, () => ({ kind: 'accepted' })],
  [({ status }) => status === 404, () => ({ kind: 'gone' })],
  [
    ({ status, message }) => status === 409 && /uid in (the )?precondition/i.test(message),
    () => ({ kind: 'replaced' }),
  ],
  [({ status }) => status === 409, later],
  [(reply) => reply.status === 429 && isHeld(reply), held],
  [({ status }) => status === 429, later],
  [(reply) => reply.status >= 500 && isDouble(reply), ({ message }) => ({ kind: 'two budgets', why: message })],
  [({ status }) => status >= 500 || status === 408, later],
  // the budget's controller has not yet counted what was evicted so far
  [({ status, message }) => status === 403 && message.includes('DisruptedPods map too big'), later],
  // its pods are deleted with it
  [({ status, causes }) => status === 403 && causes.some(({ reason }) => reason === 'NamespaceTerminating'), later],
  [() => true, refused],
];

/** Total: whatever the API server may say is one of these. */
export function judgeReply(reply: EvictionReply): EvictionAnswer {
  const [, answer] = RULES.find(([when]) => when(reply)) ?? [undefined, refused];
  return answer(reply);
}

function held({ causes, retryAfterMs }: EvictionReply): EvictionAnswer {
  const said = causes.find(({ reason }) => reason === 'DisruptionBudget')?.message ?? '';
  const budget = /disruption budget (\S+) /.exec(said)?.[1] ?? null;
  return { kind: 'held', why: said, budget, retryAfterMs };
}

function saidBy({ message }: EvictionReply): string {
  return message === '' ? 'without a word' : message;
}

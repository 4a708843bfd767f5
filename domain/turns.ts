import type { NodeOrder } from './node-group.ts';

/** One run that wants a node group for itself. */
export interface Turn {
  /** `<workflowId>/<firstExecutionRunId>` */
  readonly owner: string;
  /** For people: what it wants the group for. */
  readonly what: string;
  /** What it has on order at AWS: taken back when it ends without having left. */
  readonly order?: NodeOrder;
}

/** How a run stands in the queue of its node group: nobody is before it when the turn is its own. */
export interface TurnAnswer {
  readonly before: readonly Turn[];
}

/** First come, first served; who asks again keeps his place. */
export function takeTurn(queue: readonly Turn[], turn: Turn): readonly Turn[] {
  return queue.some(({ owner }) => owner === turn.owner) ? queue : [...queue, turn];
}

/** Of who has the turn; nothing where he has not. */
export function noteOrder(queue: readonly Turn[], owner: string, order: NodeOrder): readonly Turn[] {
  return queue.map((turn) => (turn.owner === owner ? { ...turn, order } : turn));
}

export function leaveTurn(queue: readonly Turn[], owner: string): readonly Turn[] {
  return queue.filter((turn) => turn.owner !== owner);
}

/** Nobody before it: the turn is its own. Of an owner who is not in the queue nothing is known. */
export function turnOf(queue: readonly Turn[], owner: string): TurnAnswer | undefined {
  const place = queue.findIndex((turn) => turn.owner === owner);
  return place === -1 ? undefined : { before: queue.slice(0, place) };
}

export function describeBefore({ before }: TurnAnswer): string {
  return before.map(({ owner, what }) => `${owner.split('/')[0]} (${what})`).join(', then ');
}

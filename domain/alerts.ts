/** One firing as it was told; labels and annotations are data, nothing is ever built from them. */
export interface AlertNotice {
  /** `<fingerprint>@<startsAt>`: one firing, however often and by whomever it is told (R77). */
  readonly key: string;
  readonly name: string;
  readonly status: 'firing' | 'resolved';
  readonly startsAtMs: number;
  /** For people: one line. */
  readonly summary?: string;
}

/** What became of one alert. */
export type Disposition =
  | { readonly kind: 'started' | 'joined'; readonly run: string }
  | {
      readonly kind: 'suppressed';
      /** The rule's words: 'the cooldown until 2026-11-27T03:30:00Z'. */
      readonly by: string;
      readonly run?: string;
    }
  | { readonly kind: 'not allowed'; readonly reason: string };

/** What a run has heard of alerts. */
export interface AlertsView {
  /** Names of those that fire, each once. */
  readonly firing: readonly string[];
  /** Firings heard of in all, and how many of them are over. */
  readonly heard: number;
  readonly resolved: number;
}

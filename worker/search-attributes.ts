/** What headroom writes on its workflows for people to search by, with Temporal's words for the types. */
export const SEARCH_ATTRIBUTES = {
  HeadroomWorkload: 'Keyword',
  HeadroomProcedure: 'Keyword',
  HeadroomPhase: 'Keyword',
  HeadroomTrigger: 'Keyword',
  HeadroomNeedsApproval: 'Bool',
  HeadroomFloor: 'Int',
  HeadroomEventAt: 'Datetime',
} as const;

/** As Temporal's API numbers them. */
const NUMBERS = { Keyword: 2, Int: 3, Bool: 5, Datetime: 6 } as const;

export const SEARCH_ATTRIBUTE_NUMBERS: Readonly<Record<string, number>> = Object.fromEntries(
  Object.entries(SEARCH_ATTRIBUTES).map(([name, type]) => [name, NUMBERS[type]]),
);

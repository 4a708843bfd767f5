/** What headroom writes on its workflows for people to search by; types as Temporal's API numbers them: 2 Keyword, 3 Int, 5 Bool, 6 Datetime. */
export const SEARCH_ATTRIBUTES = {
  HeadroomWorkload: 2,
  HeadroomProcedure: 2,
  HeadroomPhase: 2,
  HeadroomTrigger: 2,
  HeadroomNeedsApproval: 5,
  HeadroomFloor: 3,
  HeadroomEventAt: 6,
} as const;

// What of a set of settings most people set, so that it comes first and the rest is folded.

export const FIRST: Record<string, string[]> = {
  rate_limit: ['requests', 'per', 'burst'],
};

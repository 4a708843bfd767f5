export const NAIVE_QUEUE = 'bench-naive';

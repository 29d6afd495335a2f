/** Kept free for the charts until they are loaded. */
export const CHART_HEIGHT = 120;

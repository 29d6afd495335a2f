/** Constant bytes per log: they say whose bucket it is, and tell a prober that the CDN serves it. */
export const PROBE_KEY = '.holdfast/probe.json';

export const probeOf = (logId: string): Buffer =>
  Buffer.from(`${JSON.stringify({ holdfast: 'probe', logId })}\n`);

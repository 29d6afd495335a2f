import { hash } from 'node:crypto';
import { join } from 'node:path';

export interface DataPaths {
  readonly root: string;
  readonly events: string;
  /** Rung after each commit to the log. */
  readonly eventsBell: string;
  readonly generations: string;
  /** The symbolic link to the live generation. */
  readonly contentLink: string;
  readonly quarantine: string;
  readonly scans: string;
  readonly bucket: string;
  /** Rung after each commit to the live generation's index, and after a flip. */
  readonly localBell: string;
  readonly locks: {
    readonly api: string;
    readonly local: string;
    readonly cdn: string;
    /** Of the projectors that report under one name. */
    readonly node: (name: string) => string;
  };
  /** Each process keeps its own catalog. */
  readonly catalog: (process: string) => string;
  /** And its own alerts. */
  readonly alerts: (process: string) => string;
}

/** Joined once for each directory: some are asked for several times for each event. */
const known = new Map<string, DataPaths>();

/** Where everything lies in a data directory: the picture of DESIGN section 5, and the only place that knows it. */
export function dataPaths(dataDir: string): DataPaths {
  const paths = known.get(dataDir) ?? joinPaths(dataDir);
  known.set(dataDir, paths);
  return paths;
}

function joinPaths(dataDir: string): DataPaths {
  const at = (name: string): string => join(dataDir, name);
  return {
    root: dataDir,
    events: at('events.db'),
    eventsBell: at('events.bell'),
    generations: at('generations'),
    contentLink: at('content'),
    quarantine: at('quarantine'),
    scans: at('scans'),
    bucket: at('bucket'),
    localBell: at('local.bell'),
    locks: {
      api: at('api.lock'),
      local: at('local.lock'),
      cdn: at('cdn.lock'),
      // Hashed, as a name may be longer than a file's, and hold what a file's may not.
      node: (name) => at(`node-${hash('sha256', name).slice(0, 16)}.lock`),
    },
    catalog: (process) => at(`catalog-${process}.db`),
    alerts: (process) => at(`alerts-${process}.db`),
  };
}

import type { ContentPath } from '../content/path.ts';
import type { Mode } from './mode.ts';

/** One process's view of the mode, taken at the start of a request and kept until its end. */
export interface ModeSnapshot {
  readonly cdnEnabled: boolean;
  readonly localFallback: boolean;
  /** Without a trailing slash; null where neither the log nor the environment names one: then local. */
  readonly cdnBaseUrl: string | null;
  /** Without a trailing slash. */
  readonly localBaseUrl: string;
  /** Whether URLs carry `?v=<first 8 of sha256>`. */
  readonly urlVersion: boolean;
}

/** What this node's environment says; the log's base URLs come first where they are set. */
export interface NodeUrls {
  readonly cdnBaseUrl: string | null;
  readonly localBaseUrl: string;
  readonly urlVersion: boolean;
}

export interface LocatedDocument {
  readonly path: ContentPath;
  readonly sha256: string;
  /** Whether the bucket holds any version of it now: a CDN would cache the 404 of one that is not there. */
  readonly isOnCdn: boolean;
}

export const snapshotMode = (mode: Mode, node: NodeUrls): ModeSnapshot => ({
  cdnEnabled: mode.cdnEnabled,
  localFallback: mode.localFallback,
  cdnBaseUrl: mode.cdnBaseUrl ?? node.cdnBaseUrl,
  localBaseUrl: mode.localBaseUrl ?? node.localBaseUrl,
  urlVersion: node.urlVersion,
});

/** The one function that builds content URLs. */
export function getContentUrl(
  mode: ModeSnapshot,
  document: LocatedDocument,
): { url: string; origin: 'cdn' | 'local' } {
  const useCdn = mode.cdnEnabled && !mode.localFallback && document.isOnCdn && mode.cdnBaseUrl !== null;
  const base = useCdn ? mode.cdnBaseUrl : mode.localBaseUrl;
  const version = mode.urlVersion ? `?v=${document.sha256.slice(0, 8)}` : '';
  return { url: `${base}/${encodeContentPath(document.path)}${version}`, origin: useCdn ? 'cdn' : 'local' };
}

/** Percent-encodes each segment, as URLs and object keys in URLs want it. */
export const encodeContentPath = (path: string): string => path.split('/').map(encodeURIComponent).join('/');

import {
  contentStream,
  type EventOf,
  type EventStore,
  getContentUrl,
  hasCode,
  type ModeSnapshot,
} from '@holdfast/domain';

export type Replicated = EventOf<'ContentReplicated'>;

/** Where readers find the bucket, and how. */
export interface CdnUrls {
  readonly cdnBaseUrl: string;
  /** Whether URLs carry `?v=<first 8 of sha256>`. */
  readonly urlVersion: boolean;
}

/** Of a deleted document, so many of its last versions; older ones have long expired. */
const MAX_VERSIONS = 20;

/**
 * The URLs under which a CDN may have cached something else than what the bucket holds since these events.
 *
 * With versions in URLs, that of a new version is among them: it was resolved as soon as the version was published, and
 * until it was replicated the bucket answered with the one before. A deletion takes those of its versions with it.
 * @returns each URL with the instant of the first event that concerns it, in the order of the events
 * @throws  EVENT_STORE_UNAVAILABLE
 */
export async function urlsToPurge(
  events: readonly Replicated[],
  at: CdnUrls,
  store: Pick<EventStore, 'readStream'>,
): Promise<Map<string, string>> {
  const urls = new Map<string, string>();
  for (const { data, metadata } of events) {
    const add = (sha256: string, urlVersion: boolean): void => {
      const { url } = getContentUrl(onCdn({ ...at, urlVersion }), { path: data.path, sha256, isOnCdn: true });
      if (!urls.has(url)) urls.set(url, metadata.at);
    };
    add('', false);
    if (!at.urlVersion) continue;
    for (const sha256 of await hashesOf(data, store)) add(sha256, true);
  }
  return urls;
}

async function hashesOf(
  { path, version, sha256 }: Replicated['data'],
  store: Pick<EventStore, 'readStream'>,
): Promise<string[]> {
  if (sha256 !== null) return [sha256];
  if (version === 0) return [];
  const hashes: string[] = [];
  try {
    const before = { direction: 'backwards', fromVersion: version - 1, maxCount: MAX_VERSIONS } as const;
    for (const event of await store.readStream(contentStream(path), before)) {
      if (event.type !== 'ContentPublished') break;
      hashes.push(event.data.sha256);
    }
  } catch (error) {
    // What cannot be read can name no URL.
    if (!hasCode(error, 'EVENT_UNREADABLE')) throw error;
  }
  return hashes;
}

/** The mode in which content is always on the CDN: what it is now changes nothing in what is cached there. */
const onCdn = ({ cdnBaseUrl, urlVersion }: CdnUrls): ModeSnapshot => ({
  cdnEnabled: true,
  localFallback: false,
  cdnBaseUrl,
  localBaseUrl: cdnBaseUrl,
  urlVersion,
});

import type { ContentPath, PreparedDocument } from '@holdfast/domain';
import type { Api } from './api.ts';

/**
 * To be asked before a document is published. What is published already needs no room: who repeats it on a full disk is
 * told that it is there.
 * @throws DISK_FULL
 */
export function requireRoomFor(
  api: Pick<Api, 'catalog' | 'disks'>,
  path: ContentPath,
  { sha256, contentType }: PreparedDocument,
): void {
  try {
    api.disks.requireRoom();
  } catch (error) {
    const there = api.catalog.document(path);
    const isThere = there?.status === 'published' && there.sha256 === sha256;
    if (!isThere || there.contentType !== contentType) throw error;
  }
}

import type { Position } from '@holdfast/domain';

interface Recorded {
  readonly path: string;
  readonly version: number;
  /** Of the event that made it so. */
  readonly position: Position;
}

export interface RecordedLiveFile extends Recorded {
  readonly state: 'live';
  readonly sha256: string;
  readonly md5: string;
  readonly bytes: number;
  readonly contentType: string;
}

export interface RecordedDeletion extends Recorded {
  readonly state: 'deleted';
  readonly sha256: null;
  readonly md5: null;
  readonly bytes: null;
  readonly contentType: null;
}

/** What a generation's index says of a path. */
export type RecordedFile = RecordedLiveFile | RecordedDeletion;

export const RECORDED_COLUMNS =
  'path, version, position, state, sha256, md5, bytes, content_type AS contentType';

/** Which bucket, or part of one, as calls and messages name it. */
export interface S3Place {
  readonly bucket: string;
  /** Before every key, with its `/` at the end; empty for the whole bucket. */
  readonly prefix: string;
  /** Null: that of AWS. */
  readonly endpoint: string | null;
  readonly region: string;
}

/** What a call was about, for its error. */
export interface S3Call {
  /** `to store a.json` */
  readonly attempted: string;
  readonly key?: string;
  readonly isWrite: boolean;
  /** What an answer with status 404 means that says no more. */
  readonly missing: 'object' | 'bucket' | 'condition';
}

export const placeText = ({ bucket, prefix, endpoint, region }: S3Place): string =>
  `s3://${bucket}${prefix === '' ? '' : `/${prefix}`} at ${endpoint ?? `AWS in ${region}`}`;

/** For an error's context. */
export const placeContext = ({ bucket, prefix, endpoint }: S3Place): Record<string, unknown> => ({
  bucket,
  ...(prefix === '' ? {} : { prefix }),
  ...(endpoint === null ? {} : { endpoint }),
});

import { hash } from 'node:crypto';
import { S3Client } from '@aws-sdk/client-s3';
import type { Clock } from '@holdfast/domain';
import type { S3Request, S3Transport } from './s3-transport.ts';

export interface S3ClientOptions {
  /** Absolute URL; null: the endpoint of AWS for the region. */
  readonly endpoint: string | null;
  readonly region: string;
  /** Null: what the environment, the profile or the role of this machine gives. */
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string } | null;
  /** The bucket is part of the path instead of the host name. */
  readonly forcePathStyle: boolean;
}

/**
 * A client for one bucket, with everything it would look up elsewhere (files, variables of AWS) said here, but
 * for credentials.
 */
export function createS3Client(
  options: S3ClientOptions,
  transport: Pick<S3Transport, 'send'>,
  clock: Clock,
): S3Client {
  const { endpoint, region, credentials, forcePathStyle } = options;
  const client = new S3Client({
    region,
    forcePathStyle,
    ...(endpoint === null ? { ignoreConfiguredEndpointUrls: true } : { endpoint }),
    ...(credentials === null ? {} : { credentials: { ...credentials } }),
    requestHandler: {
      metadata: { handlerProtocol: 'http/1.1' },
      handle: async (request: S3Request, { abortSignal }: { abortSignal?: AbortSignal } = {}) => ({
        response: await transport.send(request, abortSignal),
      }),
    },
    // Content-MD5 is what every server checks; the others are added by few and checked by fewer.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    // A wrong clock is said, not got round: it would come back with every start.
    disableClockSkewCorrection: true,
    defaultsMode: 'standard',
    maxAttempts: 1,
    retryMode: 'standard',
    authSchemePreference: ['sigv4'],
    useFipsEndpoint: false,
    useDualstackEndpoint: false,
    useArnRegion: false,
    disableS3ExpressSessionAuth: true,
  });
  addMd5(client);
  signWithOneSigner(client, clock);
  return client;
}

/** Of lists of keys to be deleted, whose sum the client sends in a way that only some servers know; most want it. */
function addMd5(client: S3Client): void {
  client.middlewareStack.add(
    (next, { commandName }) =>
      (args) => {
        const { body, headers } = args.request as { body?: string; headers: Record<string, string> };
        if (commandName === 'DeleteObjectsCommand' && body !== undefined) {
          headers['content-md5'] = hash('md5', body, 'base64');
        }
        return next(args);
      },
    { name: 'contentMd5Middleware', step: 'build' },
  );
}

/** The client makes a signer for each request; one bucket needs one, which then keeps its derived key. */
function signWithOneSigner(client: S3Client, clock: Clock): void {
  const makeSigner = client.config.signer;
  type Signer = Awaited<ReturnType<typeof makeSigner>>;
  let made: Promise<Signer> | null = null;
  client.config.signer = (scheme) =>
    (made ??= makeSigner(scheme).then((signer) => ({
      sign: (request, options) => signer.sign(request, { ...options, signingDate: clock.now() }),
    })));
}

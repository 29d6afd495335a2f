/** A real S3 server the suites run against, and the right to make buckets there. */
export interface S3Server {
  readonly endpoint: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

// Not HOLDFAST_*: the product refuses those it does not know, and specs start it with their own environment.
const VARIABLES = {
  endpoint: 'TEST_S3_ENDPOINT',
  region: 'TEST_S3_REGION',
  accessKeyId: 'TEST_S3_ACCESS_KEY_ID',
  secretAccessKey: 'TEST_S3_SECRET_ACCESS_KEY',
} as const;

/** @returns the server the environment names, null where it names none */
export function s3Server(env: NodeJS.ProcessEnv = process.env): S3Server | null {
  const endpoint = env[VARIABLES.endpoint];
  if (!endpoint) return null;
  return {
    endpoint,
    region: env[VARIABLES.region] ?? 'us-east-1',
    accessKeyId: env[VARIABLES.accessKeyId] ?? '',
    secretAccessKey: env[VARIABLES.secretAccessKey] ?? '',
  };
}

/** The variables by which the suites find a server. */
export function s3Environment(server: S3Server): Record<string, string> {
  const names = Object.entries(VARIABLES) as [keyof S3Server, string][];
  return Object.fromEntries(names.map(([key, name]) => [name, server[key]]));
}

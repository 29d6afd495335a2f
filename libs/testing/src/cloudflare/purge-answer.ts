/** What the stand-in for Cloudflare's API knows of its one customer. */
export interface CloudflareZone {
  /** Its id: 32 hex characters. */
  readonly zone: string;
  /** The token it takes. */
  readonly token: string;
  /** Whether that token may purge the zone's cache. */
  readonly mayPurge: boolean;
  /** Host names of the zone. */
  readonly hosts: readonly string[];
  /** How many files one call may name. */
  readonly maxFiles: number;
}

export interface PurgeRequest {
  readonly method: string;
  readonly path: string;
  readonly authorization: string | undefined;
  readonly body: string;
}

export interface Answer {
  readonly status: number;
  readonly body: unknown;
  /** Cache keys that are purged by it: the URL, or `<origin>::<url>` for copies made for that web origin. */
  readonly purges: readonly string[];
}

interface File {
  readonly url: string;
  readonly origin: string | null;
}

const MAX_URL_CHARS = 2_048;

const failed = (status: number, ...errors: readonly object[]): Answer => ({
  status,
  body: { success: false, errors, messages: [], result: null },
  purges: [],
});

/** How Cloudflare answers a purge by URL, by its public API documents and error tables. */
export function answerPurge(request: PurgeRequest, state: CloudflareZone): Answer {
  const zone = /^\/client\/v4\/zones\/([^/]+)\/purge_cache$/.exec(request.path)?.[1];
  if (zone === undefined || request.method !== 'POST' || !/^[0-9a-f]{32}$/.test(zone)) {
    const message = `Could not route to ${request.path}, perhaps your object identifier is invalid?`;
    return failed(404, { code: 7003, message }, { code: 7000, message: 'No route for that URI' });
  }
  const token = /^Bearer (\S+)$/.exec(request.authorization ?? '')?.[1];
  if (token === undefined) {
    const chain = [{ code: 6111, message: 'Invalid format for Authorization header' }];
    return failed(400, { code: 6003, message: 'Invalid request headers', error_chain: chain });
  }
  if (token !== state.token) return failed(403, { code: 9109, message: 'Invalid access token' });
  if (zone !== state.zone || !state.mayPurge) {
    return failed(403, { code: 10000, message: 'Authentication error' });
  }
  const files = readFiles(request.body);
  if (!Array.isArray(files)) return failed(400, files);
  if (files.length > state.maxFiles) {
    const message = `Exceeded maximum amount of ${state.maxFiles} files that can be purged on a single request`;
    return failed(400, { code: 1094, message });
  }
  const errors = files.flatMap((file) => judgeFile(file, state.hosts));
  if (errors.length > 0) return failed(400, ...errors);
  return {
    status: 200,
    body: { success: true, errors: [], messages: [], result: { id: zone } },
    purges: files.map(({ url, origin }) => (origin === null ? url : `${origin}::${url}`)),
  };
}

function readFiles(body: string): File[] | { code: number; message: string } {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    return { code: 6007, message: 'Malformed JSON in request body' };
  }
  const files = (parsed as { files?: unknown } | null)?.files;
  if (files === undefined) {
    return { code: 1012, message: 'Request must contain one of "purge_everything" or "files"' };
  }
  if (!Array.isArray(files)) return { code: 1014, message: '"files" must be an array' };
  return files.map((file: unknown) => {
    const { url, headers } = (typeof file === 'string' ? { url: file } : file) as {
      url: string;
      headers?: Readonly<Record<string, string>>;
    };
    return { url, origin: headers?.['Origin'] ?? null };
  });
}

function judgeFile({ url }: File, hosts: readonly string[]): { code: number; message: string }[] {
  if (!URL.canParse(url) || url.length > MAX_URL_CHARS) {
    return [{ code: 1084, message: `Unable to purge '${url.slice(0, 100)}'.` }];
  }
  if (hosts.includes(new URL(url).hostname)) return [];
  return [{ code: 1082, message: `Unable to purge '${url}'. You can only purge files for this zone` }];
}

import { setTimeout as sleep } from 'node:timers/promises';
import { type EventStore, type HoldfastError, type PathRules, toHoldfastError } from '@holdfast/domain';
import type { ConditionWatch } from '@holdfast/health';
import { openContentReader } from '@holdfast/storage';
import Fastify, { type FastifyBaseLogger, type FastifyReply } from 'fastify';
import type { ApiServer } from './api.ts';
import type { ApiConfig } from './config.ts';
import { listen } from './listen.ts';
import { toProblem } from './problems.ts';
import { serveContent } from './routes/serve-content.ts';

export interface WaitOptions {
  readonly config: ApiConfig;
  readonly pathRules: PathRules;
  readonly logger: FastifyBaseLogger;
  /** Makes the watch on what is wrong meanwhile, for people to hear of it. */
  readonly makeWatch: (store: Pick<EventStore, 'head'>) => Pick<ConditionWatch, 'start' | 'close'>;
}

const TRY_AGAIN_MS = 1_000;

/**
 * Opens the event store. As long as it does not answer, readers get the local files all the same, conditions are
 * watched, and anything else is told why it has to wait.
 * @throws what will not pass
 */
export async function openWhileServing<Opened>(
  open: () => Promise<Opened>,
  options: WaitOptions,
): Promise<Opened> {
  let serving: { close: () => Promise<void> } | null = null;
  let watch: ReturnType<WaitOptions['makeWatch']> | null = null;
  let why: HoldfastError | null = null;
  try {
    for (;;) {
      try {
        return await open();
      } catch (error) {
        const failure = toHoldfastError(error);
        if (failure.kind !== 'transient') throw error;
        if (why === null)
          options.logger.warn({ code: failure.code }, `Only local files are served: ${failure.message}`);
        why = failure;
      }
      if (watch === null) {
        watch = options.makeWatch({ head: () => Promise.reject(why ?? new Error()) });
        watch.start();
      }
      serving ??= await serveLocalFiles(options, () => why);
      await sleep(TRY_AGAIN_MS);
    }
  } finally {
    await watch?.close();
    await serving?.close();
  }
}

async function serveLocalFiles(
  { config, pathRules, logger }: Omit<WaitOptions, 'makeWatch'>,
  why: () => HoldfastError | null,
): Promise<{ close: () => Promise<void> }> {
  const reader = openContentReader({ dataDir: config.dataDir });
  const app = Fastify({ loggerInstance: logger, forceCloseConnections: true }) as unknown as ApiServer;
  const refuse = (error: unknown, reply: FastifyReply, requestId: string): FastifyReply => {
    const { status, headers, body } = toProblem(error, requestId);
    return reply
      .code(status)
      .headers(headers)
      .send(Buffer.from(JSON.stringify(body)));
  };
  const store: Pick<EventStore, 'readStream'> = { readStream: () => Promise.reject(why() ?? new Error()) };
  const metrics = { localOrigin: { inc: () => undefined } };
  serveContent(app, { settings: { ...config, pathRules }, reader, logger, store, metrics });
  app.get('/healthz', () => ({ status: 'ok' }));
  app.get('/readyz', (_request, reply) => {
    const reasons = [why()].flatMap((error) =>
      error === null ? [] : [{ code: error.code, detail: error.message }],
    );
    return reply.code(503).header('retry-after', '1').send({ ready: false, reasons, warnings: [] });
  });
  app.setNotFoundHandler((request, reply) => refuse(why(), reply, request.id));
  app.setErrorHandler((error, request, reply) => refuse(error, reply, request.id));
  await listen(app, config);
  return {
    close: async () => {
      await app.close();
      reader.close();
    },
  };
}

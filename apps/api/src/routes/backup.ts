import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, rm, unlink } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import type { Api, ApiServer } from '../api.ts';
import { temporaryName } from '../temporary-file.ts';

/**
 * A consistent copy of the log as it is now. The copy is made in the data directory first, so that a slow
 * client does not hold up the log, and has no name any more once it is sent.
 */
export function backup(app: ApiServer, api: Api): void {
  app.get(
    '/v1/backup',
    {
      exposeHeadRoute: false,
      schema: {
        tags: ['operation'],
        summary: 'A consistent copy of the whole event log, made while it is written to',
        produces: ['application/vnd.sqlite3'],
      },
    },
    async (_request, reply) => {
      const file = temporaryName(api.settings.dataDir);
      try {
        await api.backup.backupTo(file, (bytes) => {
          api.disks.requireRoomFor(bytes);
        });
        const handle = await open(file, 'r');
        try {
          await unlink(file);
          const { size } = await handle.stat();
          const digest = await digestOf(handle.fd);
          const name = `holdfast-${api.clock.now().toISOString().replaceAll(/[:.]/g, '-')}.db`;
          return await reply
            .headers({
              'content-type': 'application/vnd.sqlite3',
              'content-length': String(size),
              'content-disposition': `attachment; filename="${name}"`,
              'repr-digest': `sha-256=:${digest}:`,
              'cache-control': 'no-store',
            })
            .send(handle.createReadStream({ start: 0 }));
        } catch (error) {
          await handle.close();
          throw error;
        }
      } finally {
        await rm(file, { force: true });
      }
    },
  );
}

/** In base64, as RFC 9530 has it. */
async function digestOf(fd: number): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream('', { fd, start: 0, autoClose: false }), hash);
  return hash.digest('base64');
}

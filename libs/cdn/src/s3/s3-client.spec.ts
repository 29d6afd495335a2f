import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { S3ObjectStore } from './s3-object-store.ts';
import { type ScriptedServer, startScriptedServer } from './scripted-server.fixture.ts';

describe('requests without keys in the settings', () => {
  let server: ScriptedServer;
  const given = { ...process.env };
  const nothing = {
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_CONFIG_FILE: '/none',
    AWS_SHARED_CREDENTIALS_FILE: '/none',
  };

  beforeAll(async () => {
    server = await startScriptedServer();
    server.answer = { status: 200, headers: { etag: '"e"' } };
  });
  afterEach(() => {
    process.env = { ...given };
  });
  afterAll(() => server.close());

  const open = (): S3ObjectStore =>
    new S3ObjectStore({
      bucket: 'site',
      prefix: '',
      endpoint: server.endpoint,
      region: 'eu-west-1',
      credentials: null,
      forcePathStyle: true,
      timeoutMs: 30_000,
      maxSockets: 4,
    });

  it('are signed with what the machine has', async () => {
    Object.assign(process.env, nothing, {
      AWS_ACCESS_KEY_ID: 'OFTHEMACHINE',
      AWS_SECRET_ACCESS_KEY: 'secret',
    });
    const store = open();
    await store.head('a.json');
    expect(server.requests.at(-1)?.headers['authorization']).toMatch(
      /Credential=OFTHEMACHINE\/\d+\/eu-west-1\/s3\//,
    );
    await store.close();
  });

  it('are refused where the machine has none, and say so', async () => {
    Object.assign(process.env, nothing);
    const store = open();
    const refused = expect(store.head('a.json')).rejects;
    await refused.toMatchObject({ code: 'BUCKET_ACCESS_DENIED' });
    await expect(store.head('a.json')).rejects.toThrow(/this machine has no credentials/);
    await store.close();
  });
});

import { describe, expect, it } from '@jest/globals';
import { s3Environment, s3Server } from './s3-server.ts';

const SERVER = {
  endpoint: 'https://s3.example',
  region: 'eu-central-1',
  accessKeyId: 'KEY',
  secretAccessKey: 'secret',
};

describe('s3Server', () => {
  it('is the server the environment names', () => {
    expect(s3Server(s3Environment(SERVER))).toEqual(SERVER);
  });

  it('is null where the environment names none', () => {
    expect(s3Server({})).toBeNull();
    expect(s3Server({ TEST_S3_ENDPOINT: '' })).toBeNull();
  });
});

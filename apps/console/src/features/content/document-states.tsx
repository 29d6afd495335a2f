import type { DocumentState } from '@holdfast/api/types';
import { Anchor, Badge, Button, Group, SimpleGrid, Text } from '@mantine/core';
import { useClipboard } from '@mantine/hooks';
import { IconAlertTriangle, IconCheck, IconCopy } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { formatBytes } from '../../app/format.ts';
import { messages } from '../../app/messages.ts';
import { Panel } from '../../app/panel.tsx';
import { Time } from '../../app/time.tsx';
import classes from './content.module.css';
import { replicationQuery } from './content-queries.ts';

const words = messages.content;

/** Which version is where, and where readers are led. */
export function DocumentStates({ document }: { document: DocumentState }) {
  const { version, local, cdn } = document;
  return (
    <Panel title={words.states}>
      <SimpleGrid cols={3} spacing="sm">
        <State label={words.published} version={version} isRight>
          <Time at={document.publishedAt} /> <bdi>{messages.by(document.publishedBy)}</bdi>
        </State>
        <State label={words.local} version={local?.version ?? null} isRight={local?.version === version} />
        <State label={words.cdn} version={cdn?.version ?? null} isRight={cdn?.version === version}>
          {cdn === null ? <Waiting path={document.path} /> : <Time at={cdn.at} />}
        </State>
      </SimpleGrid>
      <dl className={classes.facts}>
        <dt>{words.url}</dt>
        <dd>
          <Url url={document.url} origin={document.origin} />
        </dd>
        <dt>{words.size}</dt>
        <dd>
          {formatBytes(document.bytes)}, <bdi>{document.contentType}</bdi>
        </dd>
        <dt>{words.sha256}</dt>
        <dd className={classes.hash}>{document.sha256}</dd>
      </dl>
    </Panel>
  );
}

function State(props: { label: string; version: number | null; isRight: boolean; children?: ReactNode }) {
  const { label, version, isRight, children } = props;
  const Icon = isRight ? IconCheck : IconAlertTriangle;
  return (
    <div className={classes.state}>
      <Text size="sm" c="dimmed">
        {label}
      </Text>
      <Text fw={650} size="lg" component="div" className={classes.copy} data-right={isRight}>
        <Icon size={18} role="img" aria-label={isRight ? words.agrees : words.differs} />
        {version === null ? words.notThere : words.version(version)}
      </Text>
      <Text size="sm" c="dimmed" component="div">
        {children}
      </Text>
    </div>
  );
}

/** Why the bucket does not have it. */
function Waiting({ path }: { path: string }) {
  const { data } = useQuery(replicationQuery(path));
  if (data === null || data === undefined) return null;
  return (
    <>
      {words.replication}:{' '}
      <Link to="/replications" search={{ status: data.status }} className={classes.link}>
        {messages.replications.statuses[data.status]}
      </Link>
      {data.error !== null && (
        <Text size="sm" dir="auto" lineClamp={4} title={data.error.message}>
          {data.error.message}
        </Text>
      )}
    </>
  );
}

function Url({ url, origin }: { url: string; origin: DocumentState['origin'] }) {
  const clipboard = useClipboard({ timeout: 2_000 });
  return (
    <Group gap="xs">
      <Anchor href={url} target="_blank" rel="noreferrer" className={classes.url}>
        {url}
      </Anchor>
      <Badge variant="outline" color={origin === 'cdn' ? 'gray' : 'orange'}>
        {origin === 'cdn' ? words.urlCdn : words.urlLocal}
      </Badge>
      <Button
        size="compact-xs"
        variant="default"
        leftSection={<IconCopy size={14} aria-hidden />}
        onClick={() => clipboard.copy(url)}
      >
        {clipboard.copied ? words.copied : words.copyUrl}
      </Button>
      <span role="status" className={clipboard.error === null ? classes.spoken : undefined}>
        {clipboard.error !== null ? words.notCopied : clipboard.copied ? words.copied : ''}
      </span>
    </Group>
  );
}

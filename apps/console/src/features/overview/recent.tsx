import { Group, Stack, Text } from '@mantine/core';
import { useRecent } from '../../app/live-page.ts';
import { messages } from '../../app/messages.ts';
import { Panel } from '../../app/panel.tsx';
import { Time } from '../../app/time.tsx';
import classes from './overview.module.css';

const isBad = (type: string): boolean => type === 'ReplicationFailed' || type === 'ReplicationDeadLettered';

/** The last documents that something happened to. */
export function Recent() {
  const recent = useRecent();
  return (
    <Panel title={messages.overview.recent}>
      <Stack gap={4} className={classes.recent} component="ol" aria-live="off">
        {recent.length === 0 && (
          <Text size="sm" c="dimmed" component="li">
            {messages.overview.recentNone}
          </Text>
        )}
        {recent.map(({ type, path, version, at }) => (
          <Group key={`${type} ${path} ${version} ${at}`} component="li" gap="xs" wrap="nowrap">
            <Text size="sm" w={76} className={classes.fixed} c={isBad(type) ? 'red' : undefined}>
              {messages.overview.events[type] ?? type}
            </Text>
            <Text size="sm" truncate className={classes.grow} title={path}>
              <bdi>{path}</bdi>
            </Text>
            <Text size="sm" c="dimmed" component="div">
              <Time at={at} />
            </Text>
          </Group>
        ))}
      </Stack>
    </Panel>
  );
}

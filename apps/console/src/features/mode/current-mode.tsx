import type { ModeAnswer } from '@holdfast/api/types';
import { Alert, Badge, Group, SimpleGrid, Text } from '@mantine/core';
import { IconCloud, IconHome, IconPin } from '@tabler/icons-react';
import { messages } from '../../app/messages.ts';
import { choiceOf, nameMode } from '../../app/mode-name.ts';
import { Panel } from '../../app/panel.tsx';
import { Time } from '../../app/time.tsx';
import classes from './mode.module.css';

const words = messages.mode;

/** Where readers are sent now, by whom, when and why. */
export function CurrentMode({ mode }: { mode: ModeAnswer }) {
  const { lastChange, stale, pinned } = mode;
  const Icon = choiceOf(mode) === 'cdn' ? IconCloud : IconHome;
  return (
    <Panel title={words.now}>
      {stale && <Alert color="red" variant="outline" mb="sm" title={messages.stale} />}
      <SimpleGrid cols={{ base: 1, md: 2 }} spacing="lg">
        <div>
          <Group gap="sm" className={classes.current}>
            <Icon size={28} aria-hidden />
            <Text fw={700} size="xl">
              {nameMode(mode)}
            </Text>
            {pinned && (
              <Badge variant="outline" color="gray" leftSection={<IconPin size={12} aria-hidden />}>
                {words.pinned}
              </Badge>
            )}
          </Group>
          {lastChange === null ? (
            <Text c="dimmed" mt="xs">
              {words.neverChanged}
            </Text>
          ) : (
            <>
              <Text mt="xs" component="div">
                {words.since} <Time at={lastChange.at} />{' '}
                {messages.overview.modeBy(lastChange.actor, lastChange.cause)}
              </Text>
              <Text c="dimmed" dir="auto">
                {lastChange.reason}
              </Text>
            </>
          )}
        </div>
        <dl className={classes.urls}>
          <BaseUrl
            label={words.cdnBaseUrl}
            url={mode.cdnBaseUrl}
            isFromLog={mode.fromLog.cdnBaseUrl !== null}
          />
          <BaseUrl
            label={words.localBaseUrl}
            url={mode.localBaseUrl}
            isFromLog={mode.fromLog.localBaseUrl !== null}
          />
        </dl>
      </SimpleGrid>
    </Panel>
  );
}

function BaseUrl({ label, url, isFromLog }: { label: string; url: string | null; isFromLog: boolean }) {
  return (
    <div>
      <Text component="dt" size="sm" c="dimmed">
        {label}
      </Text>
      <Text component="dd" m={0}>
        {url ?? words.notSet}
        {url !== null && (
          <Text size="sm" c="dimmed">
            {isFromLog ? words.fromLog : words.fromEnvironment}
          </Text>
        )}
      </Text>
    </div>
  );
}

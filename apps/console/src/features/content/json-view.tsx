import { Alert, Anchor, Button, Group, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import { Failure } from '../../app/failure.tsx';
import { formatBytes } from '../../app/format.ts';
import { messages } from '../../app/messages.ts';
import classes from './content.module.css';
import { bodyQuery, bodyUrl, type Version } from './content-queries.ts';
import { layOut, readLine } from './json-text.ts';

const words = messages.content;
/** Laying out more would stop the page for a noticeable time. */
export const LARGE_BYTES = 2_000_000;
const LINES_AT_ONCE = 1_000;

/** The content of a version, as text. */
export function JsonView({ path, version }: { path: string; version: Version }) {
  const bytes = version.bytes ?? 0;
  const [isWanted, setIsWanted] = useState(bytes <= LARGE_BYTES);
  const { data: text, error, refetch } = useQuery({ ...bodyQuery(path, version.version), enabled: isWanted });
  const lines = useMemo(() => (text === undefined ? undefined : layOut(text, { sorted: false })), [text]);
  if (!isWanted) {
    return (
      <Group>
        <Text size="sm">{words.large(formatBytes(bytes))}</Text>
        <Button size="xs" variant="default" onClick={() => setIsWanted(true)}>
          {words.showLarge}
        </Button>
        <RawLink path={path} version={version.version} />
      </Group>
    );
  }
  if (error !== null) return <Failure error={error} onRetry={() => void refetch()} />;
  if (text === undefined) return <Text c="dimmed">{messages.loading}</Text>;
  return (
    <Stack gap="xs">
      {lines === null && (
        <Alert color="yellow" variant="outline">
          {words.notJson}
        </Alert>
      )}
      <Lines lines={lines ?? text.split('\n')} isJson={lines !== null} />
    </Stack>
  );
}

/** To where the browser shows the bytes themselves. */
export const RawLink = ({ path, version, label }: { path: string; version: number; label?: string }) => (
  <Anchor size="sm" href={bodyUrl(path, version)} target="_blank" rel="noreferrer">
    {label ?? words.raw}
  </Anchor>
);

function Lines({ lines, isJson }: { lines: readonly string[]; isJson: boolean }) {
  const [count, setCount] = useState(LINES_AT_ONCE);
  const rest = lines.length - count;
  return (
    <>
      <div className={classes.code} tabIndex={0} role="region" aria-label={words.views.json}>
        {lines.slice(0, count).map((line, index) => (
          <div key={index} className={classes.line}>
            <span className={classes.number} aria-hidden>
              {index + 1}
            </span>
            <CodeLine line={line} isJson={isJson} />
          </div>
        ))}
      </div>
      {rest > 0 && (
        <Button variant="default" onClick={() => setCount(count + LINES_AT_ONCE)}>
          {words.moreLines(rest)}
        </Button>
      )}
    </>
  );
}

/** The line's own order is left to right; each string in it has the direction of its letters. */
export function CodeLine({ line, isJson }: { line: string; isJson: boolean }) {
  if (!isJson) {
    return (
      <span className={classes.text} dir="auto">
        {line}
      </span>
    );
  }
  const { indent, key, value, kind, rest } = readLine(line);
  return (
    <span className={classes.text} style={{ paddingInlineStart: `${indent + 2}ch` }}>
      {key !== null && (
        <>
          <bdi className={classes.key}>{key}</bdi>
          {': '}
        </>
      )}
      {kind === 'string' ? (
        <bdi dir="auto" className={classes.string}>
          {value}
        </bdi>
      ) : (
        <span className={kind === 'word' ? classes.word : undefined}>{value}</span>
      )}
      {rest}
    </span>
  );
}

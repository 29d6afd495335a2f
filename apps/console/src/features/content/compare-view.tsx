import { Button, Group, Select, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import { Empty } from '../../app/empty.tsx';
import { Failure } from '../../app/failure.tsx';
import { messages } from '../../app/messages.ts';
import classes from './content.module.css';
import { bodyQuery, type Version } from './content-queries.ts';
import { type DiffBlock, diffLines, type DiffLine, foldEqual } from './diff-lines.ts';
import { layOut } from './json-text.ts';
import { CodeLine, RawLink } from './json-view.tsx';

const words = messages.content;
const SIGNS = { same: ' ', added: '+', removed: '−' } as const;
const BLOCK_LINES = 500;

/** What one version says that another does not. */
export function CompareView(props: {
  path: string;
  /** With content, newest first. */
  versions: readonly Version[];
  from: number | undefined;
  to: number | undefined;
  onChange: (pair: { from: number; to: number }) => void;
}) {
  const { path, versions, onChange } = props;
  if (versions.length < 2) return <Empty title={words.compareOne} />;
  const to = props.to ?? versions[0]!.version;
  const from = props.from ?? (versions.find(({ version }) => version < to) ?? versions.at(-1)!).version;
  const options = versions.map(({ version }) => ({ value: String(version), label: words.version(version) }));
  return (
    <Stack gap="sm">
      <Group align="flex-end">
        <Select
          label={words.compareFrom}
          data={options}
          value={String(from)}
          allowDeselect={false}
          searchable
          onChange={(value) => onChange({ from: Number(value), to })}
          w={140}
        />
        <Select
          label={words.compareTo}
          data={options}
          value={String(to)}
          allowDeselect={false}
          searchable
          onChange={(value) => onChange({ from, to: Number(value) })}
          w={140}
        />
      </Group>
      {from === to ? (
        <Empty title={words.sameVersion} />
      ) : (
        <Compared key={`${from} ${to}`} path={path} from={from} to={to} />
      )}
    </Stack>
  );
}

function Compared({ path, from, to }: { path: string; from: number; to: number }) {
  const before = useQuery(bodyQuery(path, from));
  const after = useQuery(bodyQuery(path, to));
  const compared = useMemo(
    () =>
      before.data === undefined || after.data === undefined ? undefined : compare(before.data, after.data),
    [before.data, after.data],
  );
  const failed = [before, after].find(({ error }) => error !== null);
  if (failed !== undefined) return <Failure error={failed.error} onRetry={() => void failed.refetch()} />;
  if (compared === undefined) return <Text c="dimmed">{messages.loading}</Text>;
  if (compared === null) {
    return (
      <Empty title={words.tooDifferent}>
        <Group>
          <RawLink path={path} version={from} label={words.version(from)} />
          <RawLink path={path} version={to} label={words.version(to)} />
        </Group>
      </Empty>
    );
  }
  const { lines, isJson } = compared;
  const count = (kind: DiffLine['kind']) => lines.filter((line) => line.kind === kind).length;
  const [added, removed] = [count('added'), count('removed')];
  if (added + removed === 0) return <Empty title={words.same}>{words.sameDetail}</Empty>;
  return (
    <Stack gap="xs">
      <Text size="sm" role="status">
        {words.changes(added, removed)}
      </Text>
      <div className={classes.code} tabIndex={0} role="region" aria-label={words.views.compare}>
        <table className={classes.diff}>
          <thead>
            <tr>
              <th scope="col">{words.lineBefore}</th>
              <th scope="col">{words.lineAfter}</th>
              <th scope="col">{words.change}</th>
              <th scope="col">{words.line}</th>
            </tr>
          </thead>
          {foldEqual(lines).map((block, index) => (
            <Block key={index} block={block} isJson={isJson} />
          ))}
        </table>
      </div>
      {isJson && (
        <Text size="xs" c="dimmed">
          {words.sorted}
        </Text>
      )}
    </Stack>
  );
}

function compare(before: string, after: string): { lines: DiffLine[]; isJson: boolean } | null {
  const [one, other] = [before, after].map((text) => layOut(text, { sorted: true }));
  const isJson = one !== null && other !== null && one !== undefined && other !== undefined;
  const lines = isJson ? diffLines(one, other) : diffLines(before.split('\n'), after.split('\n'));
  return lines === null ? null : { lines, isJson };
}

function Block({ block: { lines, isHidden }, isJson }: { block: DiffBlock; isJson: boolean }) {
  const [shown, setShown] = useState(isHidden ? 0 : BLOCK_LINES);
  const rest = lines.length - shown;
  return (
    <tbody>
      {lines.slice(0, shown).map(({ kind, text, before, after }) => (
        <tr key={`${before} ${after}`} data-kind={kind}>
          <td className={classes.number}>{before}</td>
          <td className={classes.number}>{after}</td>
          <td className={classes.sign}>
            <span aria-hidden>{SIGNS[kind]}</span>
            {kind !== 'same' && <span className={classes.spoken}>{words[kind]}</span>}
          </td>
          <td className={classes.diffText}>
            <CodeLine line={text} isJson={isJson} />
          </td>
        </tr>
      ))}
      {rest > 0 && (
        <tr>
          <td colSpan={4}>
            <Button variant="subtle" size="compact-xs" onClick={() => setShown(shown + BLOCK_LINES)}>
              {lines[0]!.kind === 'same' ? words.equalLines(rest) : words.moreLines(rest)}
            </Button>
          </td>
        </tr>
      )}
    </tbody>
  );
}

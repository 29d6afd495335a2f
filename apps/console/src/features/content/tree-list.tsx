import { Button, Code, Text } from '@mantine/core';
import { useMediaQuery } from '@mantine/hooks';
import { IconAlertTriangle, IconCheck, IconFileText, IconFolder } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { useWindowVirtualizer } from '@tanstack/react-virtual';
import { type KeyboardEvent, useLayoutEffect, useRef, useState } from 'react';
import { Empty } from '../../app/empty.tsx';
import { Failure } from '../../app/failure.tsx';
import { messages } from '../../app/messages.ts';
import { useEntries, useKnownList } from '../../app/paged-list.ts';
import classes from './content.module.css';
import { type TreeDocument, type TreeEntry, treePageQuery, type TreeQuestion } from './content-queries.ts';

const words = messages.content;
const ROW_HEIGHT = 40;
const NARROW_ROW_HEIGHT = 62;
const OVERSCAN = 12;

/** One level of the tree. To be mounted anew for another question. */
export function TreeList({ question }: { question: TreeQuestion }) {
  const list = useRef<HTMLDivElement>(null);
  const isNarrow = useMediaQuery('(max-width: 48em)', undefined, { getInitialValueInEffect: false });
  const height = isNarrow ? NARROW_ROW_HEIGHT : ROW_HEIGHT;
  const pageQuery = treePageQuery(question);
  const tree = useKnownList(pageQuery);
  const [scrollMargin, setScrollMargin] = useState(0);
  useLayoutEffect(() => {
    const top = (list.current?.getBoundingClientRect().top ?? 0) + window.scrollY;
    setScrollMargin(top);
  }, [isNarrow]);
  const virtual = useWindowVirtualizer({
    count: tree.rows,
    estimateSize: () => height,
    overscan: OVERSCAN,
    scrollMargin,
  });
  const items = virtual.getVirtualItems();
  const looked = { first: items[0]?.index ?? 0, last: items.at(-1)?.index ?? 0 };
  const entries = useEntries(pageQuery, tree, looked);
  useLayoutEffect(() => virtual.measure(), [virtual, height]);

  if (entries.error !== null) {
    return <Failure error={entries.error} what={words.table} onRetry={entries.retry} />;
  }
  if (tree.isWhole && tree.rows === 0) return <NothingThere question={question} />;
  return (
    <div
      role="table"
      aria-label={words.table}
      aria-rowcount={tree.isWhole ? tree.rows + 1 : -1}
      onKeyDown={goByArrows}
    >
      <div role="row" aria-rowindex={1} className={`${classes.row} ${classes.head}`}>
        <span role="columnheader">{words.name}</span>
        <span role="columnheader">{words.publishedVersion}</span>
        <span role="columnheader">{words.localVersion}</span>
        <span role="columnheader">{words.cdnVersion}</span>
      </div>
      <div ref={list} role="rowgroup" className={classes.rows} style={{ height: virtual.getTotalSize() }}>
        {items.map(({ index, start }) => (
          <div
            key={index}
            role="row"
            aria-rowindex={index + 2}
            className={classes.row}
            style={{ height, transform: `translateY(${start - scrollMargin}px)` }}
          >
            <Row entry={entries.entryAt(index)} prefix={question.prefix} />
          </div>
        ))}
      </div>
    </div>
  );
}

/** Rows outside of the window are rendered too, so that there is always a next one. */
function goByArrows(event: KeyboardEvent<HTMLElement>): void {
  const row = (event.target as HTMLElement).closest('[role=row]');
  const next =
    event.key === 'ArrowDown'
      ? row?.nextElementSibling
      : event.key === 'ArrowUp'
        ? row?.previousElementSibling
        : null;
  const link = next?.querySelector('a');
  if (link === null || link === undefined) return;
  event.preventDefault();
  link.focus();
}

function Row({ entry, prefix }: { entry: TreeEntry | undefined; prefix: string }) {
  if (entry === undefined) {
    return (
      <span role="cell" className={classes.name}>
        <Text span size="sm" c="dimmed">
          {words.loadingRow}
        </Text>
      </span>
    );
  }
  const name = entry.path.slice(prefix.lastIndexOf('/') + 1);
  if (entry.kind === 'directory') {
    const { count, isAtLeast } = entry.documents;
    return (
      <>
        <span role="cell" className={classes.name}>
          <IconFolder size={18} aria-hidden className={classes.icon} />
          <Link
            to="/documents"
            search={(before) => ({ deleted: before.deleted, prefix: entry.path })}
            className={classes.link}
            title={entry.path}
          >
            <bdi>{name}</bdi>
          </Link>
        </span>
        <span role="cell" className={classes.count} aria-colspan={3}>
          {words.documents(count, isAtLeast)}
        </span>
      </>
    );
  }
  const isDeleted = entry.status === 'deleted';
  return (
    <>
      <span role="cell" className={classes.name}>
        <IconFileText size={18} aria-hidden className={classes.icon} />
        <Link
          to="/documents/$"
          params={{ _splat: entry.path }}
          className={classes.link}
          title={entry.path}
          data-deleted={isDeleted || undefined}
        >
          <bdi>{name}</bdi>
        </Link>
      </span>
      <span role="cell" className={classes.version} data-label={words.publishedVersion}>
        {isDeleted ? words.gone : words.version(entry.version)}
      </span>
      <span role="cell" className={classes.version} data-label={words.localVersion}>
        <Copy entry={entry} copy={entry.local} />
      </span>
      <span role="cell" className={classes.version} data-label={words.cdnVersion}>
        <Copy entry={entry} copy={entry.cdn} />
      </span>
    </>
  );
}

/** A replica's version beside the published one; what differs has a sign of its own. */
function Copy({ entry, copy }: { entry: TreeDocument; copy: { version: number } | null }) {
  const isDeleted = entry.status === 'deleted';
  const isRight = isDeleted ? copy === null : copy?.version === entry.version;
  const text = isDeleted
    ? copy === null
      ? words.goneThere
      : words.stillThere(copy.version)
    : copy === null
      ? words.notThere
      : isRight
        ? words.version(copy.version)
        : words.behind(copy.version);
  const Icon = isRight ? IconCheck : IconAlertTriangle;
  return (
    <span className={classes.copy} data-right={isRight}>
      <Icon size={15} role="img" aria-label={isRight ? words.agrees : words.differs} />
      {text}
    </span>
  );
}

function NothingThere({ question }: { question: TreeQuestion }) {
  if (question.prefix === '') {
    return (
      <Empty title={words.noneAtAll}>
        {words.noneAtAllDetail} <Code>npx holdfast publish &lt;path&gt; &lt;file&gt;</Code>
      </Empty>
    );
  }
  return (
    <Empty title={words.noneFound(question.prefix)}>
      {!question.withDeleted && words.noneFoundDetail}{' '}
      <Button size="compact-sm" variant="default" renderRoot={(props) => <Link to="/documents" {...props} />}>
        {words.top}
      </Button>
    </Empty>
  );
}

import { Badge, Text } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useVirtualizer } from '@tanstack/react-virtual';
import { useRef } from 'react';
import { Failure } from '../../app/failure.tsx';
import { messages } from '../../app/messages.ts';
import { useEntries, useKnownList } from '../../app/paged-list.ts';
import classes from './drift.module.css';
import { type Finding, type FindingsFilter, findingsQuery, isDocument } from './findings.ts';

const words = messages.drift;
/** Until a row is measured. */
const ROW_HEIGHT = 66;
const OVERSCAN = 12;

/** Every finding that fits the filter; asked for as it is scrolled to. To be mounted anew for another filter. */
export function FindingsList({
  scanId,
  filter,
  total,
}: {
  scanId: string;
  filter: FindingsFilter;
  total: number;
}) {
  const scroller = useRef<HTMLDivElement>(null);
  const pageQuery = findingsQuery(scanId, filter);
  const list = useKnownList(pageQuery);
  // eslint-disable-next-line react-hooks/incompatible-library -- nothing here is memoised
  const virtual = useVirtualizer({
    count: list.rows,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_HEIGHT,
    overscan: OVERSCAN,
  });
  const items = virtual.getVirtualItems();
  const looked = { first: items[0]?.index ?? 0, last: items.at(-1)?.index ?? 0 };
  const entries = useEntries(pageQuery, list, looked);
  if (entries.error !== null) {
    return <Failure error={entries.error} what={words.findings} onRetry={entries.retry} />;
  }
  return (
    <div ref={scroller} className={classes.scroll} tabIndex={0} role="region" aria-label={words.findings}>
      <div role="table" aria-label={words.findings} aria-rowcount={total + 1}>
        <div role="row" aria-rowindex={1} className={`${classes.finding} ${classes.head}`}>
          <span role="columnheader">{words.path}</span>
          <span role="columnheader">{words.outcome}</span>
          <span role="columnheader">{words.wantedAndFound}</span>
        </div>
        <div role="rowgroup" className={classes.rows} style={{ height: virtual.getTotalSize() }}>
          {items.map(({ index, start }) => (
            <div
              key={index}
              ref={virtual.measureElement}
              data-index={index}
              role="row"
              aria-rowindex={index + 2}
              className={classes.finding}
              style={{ transform: `translateY(${start}px)` }}
            >
              <Row finding={entries.entryAt(index)} />
            </div>
          ))}
        </div>
      </div>
    </div>
  );
}

function Row({ finding }: { finding: Finding | undefined }) {
  if (finding === undefined) {
    return (
      <Text role="cell" span size="sm" c="dimmed">
        {words.loadingRow}
      </Text>
    );
  }
  const { side, outcome, path, subject, expected, found } = finding;
  return (
    <>
      <div role="cell" className={classes.path}>
        {isDocument(finding) ? (
          <Link to="/documents/$" params={{ _splat: path }} className={classes.link}>
            <bdi>{path}</bdi>
          </Link>
        ) : (
          <bdi>{path === '' ? words.wholeSide : path}</bdi>
        )}
        <Text size="xs" c="dimmed">
          {words.sides[side]}, {words.subjects[subject]}
        </Text>
      </div>
      <div role="cell">
        <Badge variant="outline" color={outcome === 'foreign' ? 'blue' : 'red'}>
          {words.outcomes[outcome]}
        </Badge>
      </div>
      <div role="cell" className={classes.hash}>
        {expected !== null && (
          <div>
            {words.wanted} <bdi>{expected}</bdi>
          </div>
        )}
        <div>
          {words.foundThere} <bdi>{found ?? words.nothing}</bdi>
        </div>
      </div>
    </>
  );
}

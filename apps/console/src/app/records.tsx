import { Table, VisuallyHidden } from '@mantine/core';
import { Fragment, type ReactNode } from 'react';
import classes from './records.module.css';

export interface Column<Row> {
  readonly name: string;
  readonly cell: (row: Row) => ReactNode;
  /** What it holds says by itself what it is, so its name is for those who do not see it. */
  readonly isNameless?: boolean;
  readonly width?: string;
}

/**
 * A table whose first column names the row. On a phone each row stands as a card.
 * @param below  what is to stand under a row; null: nothing
 */
export function Records<Row>({
  label,
  columns,
  rows,
  keyOf,
  isCurrent = () => false,
  below = () => null,
}: {
  label: string;
  columns: readonly Column<Row>[];
  rows: readonly Row[];
  keyOf: (row: Row) => string;
  isCurrent?: (row: Row) => boolean;
  below?: (row: Row) => ReactNode;
}) {
  // Its parts say what they are: where they are laid out otherwise, browsers forget that they are those of a table.
  return (
    <Table className={classes.table} role="table" aria-label={label}>
      <Table.Thead role="rowgroup">
        <Table.Tr role="row">
          {columns.map(({ name, isNameless, width }) => (
            <Table.Th key={name} role="columnheader" scope="col" w={width}>
              {isNameless === true ? <VisuallyHidden>{name}</VisuallyHidden> : name}
            </Table.Th>
          ))}
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody role="rowgroup">
        {rows.map((row) => {
          const more = below(row);
          return (
            <Fragment key={keyOf(row)}>
              <Table.Tr role="row" aria-current={isCurrent(row) ? 'true' : undefined}>
                {columns.map(({ name, cell, isNameless }, index) =>
                  index === 0 ? (
                    <Table.Th key={name} role="rowheader" scope="row">
                      {cell(row)}
                    </Table.Th>
                  ) : (
                    <Table.Td key={name} role="cell" data-column={isNameless === true ? undefined : name}>
                      <div>{cell(row)}</div>
                    </Table.Td>
                  ),
                )}
              </Table.Tr>
              {more !== null && (
                <Table.Tr role="row">
                  <Table.Td role="cell" colSpan={columns.length}>
                    {more}
                  </Table.Td>
                </Table.Tr>
              )}
            </Fragment>
          );
        })}
      </Table.Tbody>
    </Table>
  );
}

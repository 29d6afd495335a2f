import { Anchor, Breadcrumbs, Text } from '@mantine/core';
import type { ReactElement } from 'react';
import { messages } from './messages.ts';

type LinkProps = Record<string, unknown>;

/**
 * The directories above a path, or of one, each leading there.
 * @param linkTo  a link to a directory; '' is the topmost one
 */
export function PathBreadcrumbs({
  path,
  top,
  linkTo,
}: {
  path: string;
  top: string;
  linkTo: (directory: string, props: LinkProps) => ReactElement;
}) {
  const segments = path.split('/');
  const directories = segments.slice(0, -1);
  const last = segments.at(-1)!;
  return (
    <nav aria-label={messages.whereThisIs}>
      <Breadcrumbs separatorMargin={6} style={{ flexWrap: 'wrap', rowGap: '0.25rem' }}>
        {path === '' ? (
          <Text span size="sm" aria-current="page">
            {top}
          </Text>
        ) : (
          <Anchor size="sm" renderRoot={(props: LinkProps) => linkTo('', props)}>
            {top}
          </Anchor>
        )}
        {directories.map((name, index) => (
          <Anchor
            key={index}
            size="sm"

            aria-current={last === '' && index === directories.length - 1 ? 'page' : undefined}
            renderRoot={(props: LinkProps) => linkTo(`${segments.slice(0, index + 1).join('/')}/`, props)}
          >
            <bdi>{name}</bdi>
          </Anchor>
        ))}
        {path !== '' && last !== '' && (
          <Text span size="sm" aria-current="page">
            <bdi>{last}</bdi>
          </Text>
        )}
      </Breadcrumbs>
    </nav>
  );
}

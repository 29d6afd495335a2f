import { Badge } from '@mantine/core';
import { IconCloud, IconHome, IconPin } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { modeQuery } from '../api/queries.ts';
import { messages } from './messages.ts';
import { choiceOf, nameMode } from './mode-name.ts';
import classes from './shell.module.css';

/** Where readers are sent, on every page. */
export function ModeBadge() {
  const { data: mode } = useQuery(modeQuery);
  if (mode === undefined) return null;
  const isCdn = choiceOf(mode) === 'cdn';
  const Icon = isCdn ? IconCloud : IconHome;
  return (
    <Link
      to="/mode"
      className={classes.plainLink}
      aria-label={`${messages.overview.readers}: ${nameMode(mode)}${mode.pinned ? `, ${messages.pinned}` : ''}`}
    >
      <Badge
        size="lg"
        variant="outline"
        color={isCdn ? 'gray' : 'orange'}
        className={classes.modeBadge}
        leftSection={<Icon size={14} aria-hidden />}
        rightSection={mode.pinned ? <IconPin size={14} aria-hidden /> : undefined}
      >
        {nameMode(mode)}
      </Badge>
    </Link>
  );
}

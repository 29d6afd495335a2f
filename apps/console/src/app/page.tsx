import { Stack, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useEffect } from 'react';
import { openAlertsQuery } from '../api/queries.ts';
import { messages } from './messages.ts';

/** What every page has: its heading, also in the title of the tab, where the number of open alerts stands first. */
export function Page({ title, intro, children }: { title: string; intro?: string; children: ReactNode }) {
  const { data: alerts = [] } = useQuery(openAlertsQuery);
  useEffect(() => {
    document.title = messages.title(title, alerts.length);
  }, [title, alerts.length]);
  return (
    <Stack gap="lg">
      <div>
        <Title order={1}>{title}</Title>
        {intro !== undefined && <Text c="dimmed">{intro}</Text>}
      </div>
      {children}
    </Stack>
  );
}

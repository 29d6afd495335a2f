import { Code } from '@mantine/core';
import { Empty } from '../../app/empty.tsx';
import { messages } from '../../app/messages.ts';
import { Page } from '../../app/page.tsx';

export function DriftPage() {
  return (
    <Page title={messages.pages.drift}>
      <Empty title={messages.notYet.drift}>
        {messages.notYet.inTerminal} <Code>npx holdfast verify --full</Code>
      </Empty>
    </Page>
  );
}

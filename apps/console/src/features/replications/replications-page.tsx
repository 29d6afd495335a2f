import { Code } from '@mantine/core';
import { Empty } from '../../app/empty.tsx';
import { messages } from '../../app/messages.ts';
import { Page } from '../../app/page.tsx';

export function ReplicationsPage() {
  return (
    <Page title={messages.pages.replications}>
      <Empty title={messages.notYet.replications}>
        {messages.notYet.inTerminal} <Code>npx holdfast replications --failed</Code>
      </Empty>
    </Page>
  );
}

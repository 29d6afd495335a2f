import { Code } from '@mantine/core';
import { Empty } from '../../app/empty.tsx';
import { messages } from '../../app/messages.ts';
import { Page } from '../../app/page.tsx';

export function ContentPage() {
  return (
    <Page title={messages.pages.documents}>
      <Empty title={messages.notYet.documents}>
        {messages.notYet.inTerminal} <Code>npx holdfast audit --path &lt;path&gt;</Code>
      </Empty>
    </Page>
  );
}

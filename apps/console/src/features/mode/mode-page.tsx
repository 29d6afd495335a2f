import { Page } from '../../app/page.tsx';
import { messages } from '../../app/messages.ts';
export function ModePage() {
  return <Page title={messages.mode.title}>…</Page>;
}

import { Page } from '../../app/page.tsx';
import { messages } from '../../app/messages.ts';
export function AlertsPage() {
  return <Page title={messages.alerts.title}>…</Page>;
}

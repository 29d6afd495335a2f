import { Alerts, type AlertsPorts } from './alerts.ts';
import type { Notifier } from './notice.ts';
import { smtpNotifier } from './notifiers/smtp.ts';
import { webhookNotifier } from './notifiers/webhook.ts';

/** What is read only where it is sent. */
interface Secret {
  reveal(): string;
}

/** As the settings have them; each way of telling is given whole or not at all. */
export interface NotifierSettings {
  readonly smtpUrl: Secret | null;
  readonly alertTo: readonly string[] | null;
  readonly alertFrom: string | null;
  readonly webhookUrl: Secret | null;
  readonly webhookSecret: Secret | null;
}

/** The alerts of a process that tells people as its settings say. */
export function openAlerts(ports: Omit<AlertsPorts, 'notifiers'>, settings: NotifierSettings): Alerts {
  const { smtpUrl, alertTo, alertFrom, webhookUrl, webhookSecret } = settings;
  const { actor: sender, clock } = ports;
  const notifiers: Notifier[] = [];
  if (smtpUrl !== null && alertTo !== null && alertFrom !== null) {
    const common = { url: smtpUrl.reveal(), from: alertFrom, sender };
    notifiers.push(...[...new Set(alertTo)].map((to) => smtpNotifier({ ...common, to })));
  }
  if (webhookUrl !== null && webhookSecret !== null) {
    const [url, secret] = [webhookUrl.reveal(), webhookSecret.reveal()];
    notifiers.push(webhookNotifier({ url, secret, sender, clock }));
  }
  return new Alerts({ ...ports, notifiers });
}

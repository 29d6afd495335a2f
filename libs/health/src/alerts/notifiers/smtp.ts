import { HoldfastError } from '@holdfast/domain';
import { createTransport } from 'nodemailer';
import type { Notice, Notifier } from '../notice.ts';
import { writeMail } from './mail-text.ts';

export interface SmtpOptions {
  /** `smtp://user:password@host:port` or `smtps://…`. */
  readonly url: string;
  readonly from: string;
  /** One recipient: a mail that one of several did not get would be sent to all of them again. */
  readonly to: string;
  /** Who says so, for the reader: the process and its node. */
  readonly sender: string;
  /** For one mail, from connecting to the server's word that it has it. Default 30,000. */
  readonly timeoutMs?: number;
}

const MAX_NOTICES = 50;
const TIMEOUT_MS = 30_000;

/** Tells one recipient by e-mail, in text and HTML; what has waited together comes in one mail. */
export function smtpNotifier({ url, from, to, sender, timeoutMs = TIMEOUT_MS }: SmtpOptions): Notifier {
  const { host } = new URL(url);
  return {
    name: `email to ${to}`,
    maxCount: MAX_NOTICES,
    deliver: async (notices, signal) => {
      const late = AbortSignal.timeout(timeoutMs);
      // A connection for each mail: alerts are rare, and servers drop idle connections.
      const transport = createTransport({ url, disableFileAccess: true, disableUrlAccess: true });
      try {
        await transport.sendMail({
          ...writeMail(notices, sender),
          from: { name: 'Holdfast', address: from },
          to,
          messageId: messageIdOf(notices, from),
          headers: { 'Auto-Submitted': 'auto-generated' },
          textEncoding: 'base64',
          signal: AbortSignal.any([late, signal]),
        });
      } catch (error) {
        throw translate(error, { host, to }, late.aborted ? timeoutMs : null);
      } finally {
        transport.close();
      }
    },
  };
}

/** The same for the same notices, so that a mail sent twice can be shown once. */
const messageIdOf = (notices: readonly Notice[], from: string): string =>
  `<${notices[0]?.id ?? ''}.${notices.length}@${from.split('@').at(-1)}>`;

function translate(
  error: unknown,
  { host, to }: { host: string; to: string },
  lateAfterMs: number | null,
): HoldfastError {
  const { message, code, responseCode, command } = error as {
    message?: string;
    code?: string;
    responseCode?: number;
    command?: string;
  };
  const isRefused = code === 'EAUTH' || (responseCode !== undefined && responseCode >= 500);
  const why = lateAfterMs === null ? message : `there was no answer within ${lateAfterMs} ms`;
  return new HoldfastError(
    isRefused ? 'NOTIFIER_REFUSED' : 'NOTIFIER_UNAVAILABLE',
    `An alert could not be sent by e-mail to ${to} through ${host}: ${why}. It is tried again; ${isRefused ? 'check HOLDFAST_SMTP_URL, HOLDFAST_ALERT_TO and HOLDFAST_ALERT_FROM' : 'look at that server if this lasts'}.`,
    { context: { host, smtpCommand: command ?? null, answer: responseCode ?? null }, cause: error },
  );
}

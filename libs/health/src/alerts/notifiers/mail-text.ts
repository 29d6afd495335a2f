import { printable } from '@holdfast/domain';
import type { Notice } from '../notice.ts';

export interface MailText {
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

const MAX_SUBJECT_CHARS = 150;
const HEADLINES = { raised: 'ALERT', reminder: 'STILL RAISED', cleared: 'OVER' } as const;

/** One mail about some notices, oldest first. What they say comes from anywhere, so nothing of it is markup. */
export function writeMail(notices: readonly Notice[], sender: string): MailText {
  const [first] = notices;
  const most = notices.length === 1 && first !== undefined ? headlineOf(first) : summaryOf(notices);
  return {
    subject: `[Holdfast] ${printable(most)}`.slice(0, MAX_SUBJECT_CHARS),
    text: [...notices.map(asText), `Sent by ${sender}. "holdfast alerts" shows what is raised now.`].join(
      '\n\n',
    ),
    html: [
      '<!doctype html><html><body style="font-family: sans-serif">',
      ...notices.map(asHtml),
      `<p style="color: #666">Sent by ${escapeHtml(sender)}. <code>holdfast alerts</code> shows what is raised now.</p>`,
      '</body></html>',
    ].join('\n'),
  };
}

const headlineOf = ({ kind, alert: { code, subject } }: Notice): string =>
  `${HEADLINES[kind]}: ${code}${subject === '-' ? '' : ` (${subject})`}`;

function summaryOf(notices: readonly Notice[]): string {
  const codes = [...new Set(notices.map(({ alert }) => alert.code))];
  return `${notices.length} notices: ${codes.join(', ')}`;
}

function factsOf({ kind, alert, at, raisedAt, folded }: Notice): [name: string, value: string][] {
  return [
    ['Severity', alert.severity],
    ['Subject', alert.subject === '-' ? 'the whole system' : alert.subject],
    ['Raised at', raisedAt],
    ...(kind === 'raised'
      ? []
      : ([[kind === 'cleared' ? 'Over at' : 'Still so at', at]] as [string, string][])),
    ...(folded === 0
      ? []
      : ([['Also', `${folded} more changes of it, not told one by one`]] as [string, string][])),
    ...Object.entries(alert.details).map(([name, value]): [string, string] => [
      name,
      typeof value === 'string' ? value : JSON.stringify(value),
    ]),
  ];
}

function asText(notice: Notice): string {
  const facts = factsOf(notice).map(([name, value]) => `  ${printable(name)}: ${printable(value)}`);
  return [headlineOf(notice), notice.alert.message.split('\n').map(printable).join('\n'), ...facts].join(
    '\n',
  );
}

function asHtml(notice: Notice): string {
  const facts = factsOf(notice).map(
    ([name, value]) =>
      `<tr><td style="padding-right: 1em">${escapeHtml(name)}</td><td>${escapeHtml(value)}</td></tr>`,
  );
  return [
    `<h2>${escapeHtml(headlineOf(notice))}</h2>`,
    `<p>${escapeHtml(notice.alert.message).replaceAll('\n', '<br>')}</p>`,
    `<table>${facts.join('')}</table>`,
  ].join('\n');
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};
const escapeHtml = (text: string): string =>
  text
    .split('\n')
    .map(printable)
    .join('\n')
    .replace(/[&<>"']/g, (character) => ENTITIES[character]!);

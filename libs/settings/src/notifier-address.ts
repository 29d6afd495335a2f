import { z } from 'zod';
import { list } from './list.ts';
import { Secret } from './secret.ts';

const MAX_RECIPIENTS = 50;
const MIN_SECRET_CHARS = 16;

const parse = (text: string): URL | null => (URL.canParse(text) ? new URL(text) : null);

/** `smtp://user:password@host:port`, or `smtps://` where TLS begins with the connection; with what else the client knows. */
export const smtpUrl = z
  .string()
  .refine((text) => {
    const url = parse(text);
    return url !== null && ['smtp:', 'smtps:'].includes(url.protocol) && url.hostname !== '';
  }, 'is not a URL such as smtp://user:password@mail.example.org:587 (a password percent-encoded)')
  .transform((text) => new Secret(text));

/** Where one goes, `mail@example.org`; names beside it are not taken. */
export const mailAddress = z
  .string()
  .regex(
    /^[^\s@<>,;"()[\]\\]{1,64}@[^\s@<>,;"()[\]\\]{1,255}$/,
    'is not an e-mail address such as holdfast@example.org',
  );

export const mailAddresses = list(mailAddress, MAX_RECIPIENTS);

/** Secret as a whole: many receivers have their key in the path. */
export const webhookUrl = z
  .string()
  .refine((text) => {
    const url = parse(text);
    if (url === null || !['http:', 'https:'].includes(url.protocol)) return false;
    return url.username === '' && url.password === '' && url.hash === '';
  }, 'is not an http:// or https:// URL without user name, password and #')
  .transform((text) => new Secret(text));

export const webhookSecret = z
  .string()
  .regex(
    new RegExp(`^[\\x21-\\x7e]{${MIN_SECRET_CHARS},500}$`),
    `has fewer than ${MIN_SECRET_CHARS} characters, or a space or another character that is not printable ASCII`,
  )
  .transform((text) => new Secret(text));

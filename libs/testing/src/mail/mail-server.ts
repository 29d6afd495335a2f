import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { SMTPServer } from 'smtp-server';

export interface ReceivedMail {
  readonly from: string;
  readonly to: readonly string[];
  /** As it came: headers and body. */
  readonly raw: string;
}

export interface MailServer {
  readonly port: number;
  readonly received: ReceivedMail[];
  /** From now on: `refuse` answers 550 to every recipient, `fail` 451 to every message, `hang` never to a message. */
  behave: 'well' | 'refuse' | 'fail' | 'hang';
  close(): Promise<void>;
}

/**
 * A real mail server on a free port of this machine.
 * @param login  whom it lets in; everybody unless given
 */
export async function startMailServer(login?: { user: string; password: string }): Promise<MailServer> {
  const received: ReceivedMail[] = [];
  const server = new SMTPServer({
    authOptional: login === undefined,
    // The login of a test is sent in the clear: there is no certificate to trust.
    disabledCommands: ['STARTTLS'],
    allowInsecureAuth: true,
    closeTimeout: 100,
    onAuth: ({ username, password }, _session, done) => {
      if (username === login?.user && password === login?.password) done(null, { user: username });
      else done(new Error('Invalid username or password'));
    },
    onRcptTo: (_address, _session, done) => {
      if (mail.behave === 'refuse') done(withCode(new Error('No such user here'), 550));
      else done();
    },
    onData: (stream, { envelope }, done) => {
      void text(stream).then((raw) => {
        if (mail.behave === 'hang') return;
        if (mail.behave === 'fail') {
          done(withCode(new Error('Try again later'), 451));
          return;
        }
        const from = envelope.mailFrom === false ? '' : envelope.mailFrom.address;
        received.push({ from, to: envelope.rcptTo.map(({ address }) => address), raw });
        done();
      });
    },
  });
  // A client that hangs up is no trouble of the server's.
  server.on('error', () => undefined);
  const listening = server.listen(0, '127.0.0.1');
  await once(listening, 'listening');
  const mail: MailServer = {
    port: (listening.address() as AddressInfo).port,
    received,
    behave: 'well',
    close: () =>
      new Promise((resolve) => {
        server.close(resolve);
      }),
  };
  return mail;
}

const withCode = (error: Error, responseCode: number): Error => Object.assign(error, { responseCode });

import { Button, Center, Loader, Paper, PasswordInput, Stack, Text, Title } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, type ReactNode, useState, useSyncExternalStore } from 'react';
import { sessionQuery } from '../api/queries.ts';
import { session } from '../api/session.ts';
import { messages } from './messages.ts';

/** Shows the console to whom the API answers, and asks the others for a token. */
export function SignedIn({ children }: { children: ReactNode }) {
  const isRefused = useSyncExternalStore(session.subscribe, session.isRefused);
  const { isPending } = useQuery(sessionQuery);
  if (isRefused) return <SignIn />;
  // Until it is known whether a token is needed nothing else is asked, so that nothing flashes and goes again.
  if (isPending) {
    return (
      <Center mih="100vh">
        <Loader aria-label={messages.loading} />
      </Center>
    );
  }
  return children;
}

function SignIn() {
  const queries = useQueryClient();
  const [token, setToken] = useState('');
  const [hasTried] = useState(session.token() !== null);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (token.trim() === '') return;
    session.signIn(token.trim());
    // Nothing of whoever was here before.
    queries.clear();
  };
  return (
    <Center mih="100vh" p="md">
      <Paper component="main" withBorder p="xl" w="100%" maw={420}>
        <form onSubmit={submit}>
          <Stack>
            <Title order={1}>{messages.session.title}</Title>
            <Text>{messages.session.explain}</Text>
            <PasswordInput
              label={messages.session.token}
              description={messages.session.kept}
              error={hasTried ? messages.session.refused : undefined}
              value={token}
              onChange={(event) => setToken(event.currentTarget.value)}
              autoComplete="off"
              required
              data-autofocus
            />
            <Button type="submit">{messages.session.submit}</Button>
          </Stack>
        </form>
      </Paper>
    </Center>
  );
}

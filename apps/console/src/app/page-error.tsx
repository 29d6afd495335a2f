import { Button, Group } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { Empty } from './empty.tsx';
import { Failure } from './failure.tsx';
import { messages } from './messages.ts';
import { Page } from './page.tsx';

/** A page whose code could not be loaded (it was built anew meanwhile), or that failed while it was shown. */
export function PageError({ error }: { error: unknown }) {
  return (
    <Page title={messages.errors.pageTitle}>
      <Failure error={error} />
      <Group>
        <Button onClick={() => location.reload()}>{messages.errors.reload}</Button>
      </Group>
    </Page>
  );
}

export function PageNotFound() {
  return (
    <Page title={messages.errors.notFoundTitle}>
      <Empty title={messages.errors.notFound}>
        <Link to="/">{messages.errors.toOverview}</Link>
      </Empty>
    </Page>
  );
}

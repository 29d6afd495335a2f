import { Alert, Button, Code, Group, Text } from '@mantine/core';
import { IconAlertTriangle } from '@tabler/icons-react';
import { explainError } from '../api/problem.ts';
import { messages } from './messages.ts';

/** A question that was not answered: what failed, why, and a way to ask again. */
export function Failure({ error, what, onRetry }: { error: unknown; what?: string; onRetry?: () => void }) {
  const { title, detail, code } = explainError(error);
  return (
    <Alert
      color="red"
      variant="outline"
      icon={<IconAlertTriangle aria-hidden />}
      title={what === undefined ? title : `${messages.errors.loading(what)}: ${title}`}
      role="alert"
    >
      <Text size="sm" dir="auto">
        {detail}
      </Text>
      <Group mt="xs" gap="sm">
        {onRetry && (
          <Button size="xs" variant="default" onClick={onRetry}>
            {messages.retry}
          </Button>
        )}
        {code !== null && <Code>{code}</Code>}
      </Group>
    </Alert>
  );
}

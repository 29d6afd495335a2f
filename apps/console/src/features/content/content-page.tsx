import { Button, CloseButton, Group, Stack, Switch, Text, TextInput } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { IconSearch, IconTrash } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import { formatBytes } from '../../app/format.ts';
import { messages } from '../../app/messages.ts';
import { Page } from '../../app/page.tsx';
import classes from './content.module.css';
import { ContentBreadcrumbs } from './content-breadcrumbs.tsx';
import { summaryQuery } from './content-queries.ts';
import { DeleteDirectory } from './delete-directory.tsx';
import { TreeList } from './tree-list.tsx';

const words = messages.content;
const TYPING_PAUSE_MS = 250;

export function ContentPage() {
  const { prefix = '', deleted: withDeleted = false } = useSearch({ strict: false });
  const directory = prefix.slice(0, prefix.lastIndexOf('/') + 1);
  const question = { prefix, withDeleted };
  return (
    <Page title={words.title}>
      <Stack gap="sm">
        <Group justify="space-between" gap="sm">
          <ContentBreadcrumbs path={directory} />
          {prefix !== '' && prefix === directory && <DeleteDirectoryButton directory={directory} />}
        </Group>
        <Search prefix={prefix} withDeleted={withDeleted} />
        <Summary prefix={prefix} />
        <TreeList key={`${withDeleted} ${prefix}`} question={question} />
      </Stack>
    </Page>
  );
}

function Search({ prefix, withDeleted }: { prefix: string; withDeleted: boolean }) {
  const navigate = useNavigate();
  const [typed, setTyped] = useState(prefix);
  const [known, setKnown] = useState(prefix);
  const [sent, setSent] = useState(prefix);
  if (prefix !== known) {
    setKnown(prefix);
    // Who has typed on since it was sent keeps what was typed.
    if (prefix !== sent) setTyped(prefix);
  }
  const go = (next: string) => {
    setSent(next);
    void navigate({
      to: '/documents',
      search: { prefix: next === '' ? undefined : next, deleted: withDeleted || undefined },
      replace: true,
      resetScroll: false,
    });
  };
  const goSoon = useDebouncedCallback(go, TYPING_PAUSE_MS);
  return (
    <Group align="flex-end" gap="md">
      <TextInput
        type="search"
        label={words.begins}
        description={words.beginsDetail}
        placeholder={words.beginsExample}
        leftSection={<IconSearch size={16} aria-hidden />}
        rightSection={
          typed !== '' && (
            <CloseButton
              size="sm"
              aria-label={words.clear}
              onClick={() => {
                setTyped('');
                go('');
              }}
            />
          )
        }
        value={typed}
        onChange={({ currentTarget: { value } }) => {
          setTyped(value);
          goSoon(value);
        }}
        className={classes.search}
        dir="auto"
        spellCheck={false}
        autoCapitalize="off"
        autoComplete="off"
        maxLength={1024}
      />
      <Switch
        label={words.withDeleted}
        checked={withDeleted}
        onChange={({ currentTarget: { checked } }) =>
          void navigate({
            to: '/documents',
            search: { prefix: prefix === '' ? undefined : prefix, deleted: checked || undefined },
            replace: true,
            resetScroll: false,
          })
        }
        className={classes.switch}
      />
    </Group>
  );
}

function Summary({ prefix }: { prefix: string }) {
  const { data } = useQuery(summaryQuery(prefix));
  return (
    <Text size="sm" c="dimmed" className={classes.summary} role="status">
      {data &&
        words.summary(
          words.documents(data.documents.count, data.documents.isAtLeast),
          formatBytes(data.bytes),
          data.onCdn.toLocaleString(),
        )}
    </Text>
  );
}

function DeleteDirectoryButton({ directory }: { directory: string }) {
  const { data } = useQuery(summaryQuery(directory));
  const [isOpen, setIsOpen] = useState(false);
  // While its job runs there may be nothing left; the dialog that shows it stays.
  if (!isOpen && (data === undefined || data.documents.count === 0)) return null;
  return (
    <>
      <Button
        variant="outline"
        color="red"
        size="xs"
        leftSection={<IconTrash size={16} aria-hidden />}
        onClick={() => setIsOpen(true)}
      >
        {words.deleteDirectory}
      </Button>
      {isOpen && <DeleteDirectory directory={directory} onClose={() => setIsOpen(false)} />}
    </>
  );
}

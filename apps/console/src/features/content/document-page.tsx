import type { DocumentState } from '@holdfast/api/types';
import { Alert, Button, Group, Select, Stack, Tabs, Text } from '@mantine/core';
import { IconTrash } from '@tabler/icons-react';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { lazy, Suspense, useState } from 'react';
import { Empty } from '../../app/empty.tsx';
import { Failure } from '../../app/failure.tsx';
import { messages } from '../../app/messages.ts';
import { Page } from '../../app/page.tsx';
import classes from './content.module.css';
import { ContentBreadcrumbs } from './content-breadcrumbs.tsx';
import { documentQuery, type Version, versionsQuery } from './content-queries.ts';
import { DeleteDocument, ReplicateAgain } from './document-commands.tsx';
import { DocumentStates } from './document-states.tsx';
import { LifeView } from './life-view.tsx';
import { VersionsView } from './versions-view.tsx';

const JsonView = lazy(async () => ({ default: (await import('./json-view.tsx')).JsonView }));
const CompareView = lazy(async () => ({ default: (await import('./compare-view.tsx')).CompareView }));

const words = messages.content;
const route = getRouteApi('/documents/$');

export function DocumentPage() {
  const { _splat: path = '' } = route.useParams();
  const { data: found, error, refetch } = useQuery(documentQuery(path));
  return (
    <Page title={path.slice(path.lastIndexOf('/') + 1)}>
      <ContentBreadcrumbs path={path} />
      {error !== null && <Failure error={error} what={words.document} onRetry={() => void refetch()} />}
      {found?.status === 'never' && <Empty title={words.neverPublished}>{words.neverPublishedDetail}</Empty>}
      {found?.status === 'published' && (
        <>
          <DocumentStates document={found.document} />
          <Commands document={found.document} />
        </>
      )}
      {(found?.status === 'published' || found?.status === 'deleted') && (
        <History key={path} path={path} isDeleted={found.status === 'deleted'} />
      )}
      {found === undefined && error === null && <div className={classes.reserved} aria-busy />}
    </Page>
  );
}

function Commands({ document }: { document: DocumentState }) {
  const [open, setOpen] = useState<'again' | 'delete' | null>(null);
  const close = () => setOpen(null);
  return (
    <Group gap="sm">
      <Button variant="default" onClick={() => setOpen('again')}>
        {words.again}
      </Button>
      <Button
        variant="outline"
        color="red"
        leftSection={<IconTrash size={16} aria-hidden />}
        onClick={() => setOpen('delete')}
      >
        {words.delete}
      </Button>
      {open === 'again' && <ReplicateAgain document={document} onClose={close} />}
      {open === 'delete' && <DeleteDocument document={document} onClose={close} />}
    </Group>
  );
}

function History({ path, isDeleted }: { path: string; isDeleted: boolean }) {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const known = useInfiniteQuery(versionsQuery(path));
  const versions = known.data?.pages.flatMap((page) => page.versions) ?? [];
  const withContent = versions.filter(({ action }) => action === 'published');
  const view = search.view ?? 'json';
  const more = known.hasNextPage && (
    <Button
      variant="default"
      loading={known.isFetchingNextPage}
      onClick={() => void known.fetchNextPage()}
      mt="sm"
    >
      {messages.more}
    </Button>
  );
  if (known.error !== null && known.data === undefined) {
    return <Failure error={known.error} what={words.views.versions} onRetry={() => void known.refetch()} />;
  }
  return (
    <>
      {isDeleted && versions[0] !== undefined && (
        <Alert
          color="orange"
          variant="outline"
          icon={<IconTrash aria-hidden />}
          title={words.deletedTitle(versions[0].version)}
        >
          {words.deletedDetail}
        </Alert>
      )}
      <Tabs
        value={view}
        onChange={(value) =>
          void navigate({
            search: { view: value === 'json' ? undefined : (value as typeof view) },
            replace: true,
            resetScroll: false,
          })
        }
        keepMounted={false}
      >
        <Tabs.List aria-label={words.view} mb="md">
          {Object.entries(words.views).map(([value, label]) => (
            <Tabs.Tab key={value} value={value}>
              {label}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        <div className={classes.reserved}>
          <Suspense fallback={<Text c="dimmed">{messages.loading}</Text>}>
            <Tabs.Panel value="json">
              {known.data !== undefined && (
                <OneVersion path={path} versions={withContent} wanted={search.version} />
              )}
            </Tabs.Panel>
            <Tabs.Panel value="versions">
              <VersionsView path={path} versions={versions} />
              {more}
            </Tabs.Panel>
            <Tabs.Panel value="compare">
              {known.data !== undefined && (
                <CompareView
                  path={path}
                  versions={withContent}
                  from={search.from}
                  to={search.to}
                  onChange={(pair) =>
                    void navigate({ search: { view: 'compare', ...pair }, replace: true, resetScroll: false })
                  }
                />
              )}
              {more}
            </Tabs.Panel>
            <Tabs.Panel value="life">
              <LifeView path={path} />
            </Tabs.Panel>
          </Suspense>
        </div>
      </Tabs>
    </>
  );
}

function OneVersion(props: { path: string; versions: readonly Version[]; wanted: number | undefined }) {
  const { path, versions, wanted } = props;
  const navigate = route.useNavigate();
  const shown = versions.find(({ version }) => version === wanted) ?? versions[0];
  if (shown === undefined) return <Empty title={words.noVersion} />;
  return (
    <Stack gap="sm">
      {versions.length > 1 && (
        <Select
          label={words.ofVersion}
          data={versions.map(({ version }) => ({ value: String(version), label: words.version(version) }))}
          value={String(shown.version)}
          allowDeselect={false}
          onChange={(value) =>
            void navigate({ search: { version: Number(value) }, replace: true, resetScroll: false })
          }
          w={140}
        />
      )}
      <JsonView key={shown.version} path={path} version={shown} />
    </Stack>
  );
}

import '@mantine/core/styles.css';
import '@mantine/notifications/styles.css';
import './app/global.css';
import { nonce } from './app/nonce.ts';
import { MantineProvider } from '@mantine/core';
import { Notifications } from '@mantine/notifications';
import { QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { queryClient, startLivePage } from './app/live-page.ts';
import { loadOtherPages, reloadForMissingParts } from './app/missing-parts.ts';
import { router } from './app/router.tsx';
import { SignedIn } from './app/sign-in.tsx';
import { darkerText, theme } from './app/theme.ts';

startLivePage();
reloadForMissingParts();
createRoot(document.getElementById('root')!).render(
  <StrictMode>
    <MantineProvider
      theme={theme}
      cssVariablesResolver={darkerText}
      defaultColorScheme="auto"
      getStyleNonce={() => nonce}
    >
      <QueryClientProvider client={queryClient}>
        <Notifications position="top-right" />
        <SignedIn>
          <RouterProvider router={router} />
        </SignedIn>
      </QueryClientProvider>
    </MantineProvider>
  </StrictMode>,
);

// After what is shown first.
window.addEventListener('load', () => setTimeout(loadOtherPages, 500));

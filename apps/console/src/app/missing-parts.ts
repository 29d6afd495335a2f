import { live } from './live-page.ts';
import { router } from './router.tsx';

const KEY = 'holdfast-reloaded-at';
/** A part that is missing still after the page was loaded again is not waited for: the page says so. */
const AGAIN_AFTER_MS = 60_000;

/**
 * Loads the page again when a part of it could not be loaded, as the server was away or has another console now; while
 * it is away the page waits, as nothing would answer.
 */
export function reloadForMissingParts(): void {
  window.addEventListener('vite:preloadError', () => {
    if (Date.now() - Number(sessionStorage.getItem(KEY) ?? 0) < AGAIN_AFTER_MS) return;
    const reload = async (): Promise<void> => {
      if (live.state().is !== 'live') return;
      // It may have gone a moment ago: then the connection will be back later, and this is called again.
      await fetch('/healthz');
      sessionStorage.setItem(KEY, String(Date.now()));
      location.reload();
    };
    const tryToReload = (): void => void reload().catch(() => undefined);
    live.subscribe(tryToReload);
    tryToReload();
  });
}

/** Has every page at hand before anybody goes there: they can be gone to while the server is away. */
export function loadOtherPages(): void {
  for (const { options } of Object.values(router.routesById)) {
    // Going there asks for it again, and says what is wrong.
    void options.component?.preload?.()?.catch(() => undefined);
  }
}

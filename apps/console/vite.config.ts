import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

/** Of the API that `npx vite apps/console` shows the pages of. */
const API = 'http://127.0.0.1:8080';

const toApi = {
  target: API,
  changeOrigin: true,
  // The API takes commands from pages of its own origin only.
  headers: { origin: API },
};

export default defineConfig({
  root: import.meta.dirname,
  plugins: [react()],
  // The API puts the nonce of each response in its place.
  html: { cspNonce: '__CSP_NONCE__' },
  build: {
    target: 'es2024',
    // They know light-dark(): rewritten for older ones it would not follow the theme that somebody chose.
    cssTarget: ['chrome123', 'firefox120', 'safari17.5'],
    manifest: true,
    emptyOutDir: true,
    // The policy of the page lets in no data but images.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 1_000,
  },
  server: { proxy: { '/v1': toApi, '/content': toApi, '/docs': toApi, '/readyz': toApi } },
});

import { setNonce } from 'get-nonce';

/** Of this response: styles that components add while they run must carry it. */
export const nonce = document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]')?.nonce ?? '';

// What dialogs use to keep the page behind them from scrolling asks here.
setNonce(nonce);

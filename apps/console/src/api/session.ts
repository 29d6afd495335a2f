// Who uses this page. The token lives as long as the tab: nothing of it is kept where another tab or a later person finds it.
const KEY = 'holdfast-token';

const listeners = new Set<() => void>();
let isRefused = false;

export const session = {
  token: (): string | null => sessionStorage.getItem(KEY),
  /** The API answered 401 to what we are; the page asks for another token. */
  isRefused: (): boolean => isRefused,
  signIn(token: string): void {
    sessionStorage.setItem(KEY, token);
    isRefused = false;
    tell();
  },
  signOut: (): void => {
    sessionStorage.removeItem(KEY);
    isRefused = true;
    tell();
  },
  refuse(): void {
    if (isRefused) return;
    isRefused = true;
    tell();
  },
  subscribe: (listener: () => void): (() => void) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  },
};

const tell = (): void => listeners.forEach((listener) => listener());

export { FolderObjectStore } from './folder/folder-object-store.ts';
export {
  CLOUDFLARE_API_URL,
  CloudflarePurger,
  type CloudflarePurgerOptions,
} from './purge/cloudflare-purger.ts';

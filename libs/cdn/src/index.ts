export { FolderObjectStore } from './folder/folder-object-store.ts';

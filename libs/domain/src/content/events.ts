import { z } from 'zod';
import { defineEvent, md5Schema, sha256Schema } from '../event-definition.ts';
import { type ContentDirectory, type ContentPath, isContentPath } from './path.ts';

export const contentPathSchema = z
  .string()
  .refine((text) => isContentPath(text), 'is not a content path') as unknown as z.ZodType<
  ContentPath,
  string
>;
const contentDirectorySchema = z.string().endsWith('/') as unknown as z.ZodType<ContentDirectory, string>;

export const contentEvents = {
  /** A document got new bytes (or a new content type); the bytes are the event's body. */
  ContentPublished: defineEvent({
    v: 1,
    schema: z.object({
      path: contentPathSchema,
      contentType: z.string().min(1).max(255),
      bytes: z.int().min(0),
      /** Of the stored bytes. */
      sha256: sha256Schema,
      md5: md5Schema,
      /** Of the bytes as received, before links were replaced. */
      sourceSha256: sha256Schema,
      /** The paths it points to. */
      links: z.array(contentPathSchema),
    }),
  }),
  ContentDeleted: defineEvent({
    v: 1,
    schema: z.object({
      path: contentPathSchema,
      reason: z.string().max(1000),
      /** The directory whose deletion this is part of. */
      directory: contentDirectorySchema.optional(),
    }),
  }),
};

export const CONTENT_EVENT_TYPES = ['ContentPublished', 'ContentDeleted'] as const;

export const contentStream = (path: ContentPath): string => `content-${path}`;

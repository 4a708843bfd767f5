import { z } from 'zod';
import { PolicyFile } from './policy-schema.ts';

/** What the schema of headroom.yaml says about itself: its values, and itself as JSON Schema. */

interface Note {
  readonly description?: string;
  readonly accepted?: string;
  readonly readLaterBy?: string;
}

export interface Leaf extends Note {
  /** `workloads.*.limits.max`: `*` for a name or a place in a list. */
  readonly path: string;
  /** As it would be written. */
  readonly fallback?: unknown;
}

/** Every value that the file can hold, in the order of the schema. */
export function policyLeaves(schema: z.ZodType = PolicyFile, path = '', inherited?: string): readonly Leaf[] {
  const { core, note, prefault } = unwrap(schema);
  const readLaterBy = note.readLaterBy ?? inherited;
  const children = childrenOf(core);
  if (children === undefined) {
    const fallback = prefault === undefined ? {} : { fallback: prefault };
    return [{ path, ...note, ...fallback, ...(readLaterBy !== undefined && { readLaterBy }) }];
  }
  return children.flatMap(([name, child]) => policyLeaves(child, path === '' ? name : `${path}.${name}`, readLaterBy));
}

/** The schemas one level down, by key; `*` for any name or place in a list. Undefined for a leaf. */
export function childrenOf(core: z.ZodType): readonly (readonly [string, z.ZodType])[] | undefined {
  if (core instanceof z.ZodObject) {
    return Object.entries<unknown>(core.shape).map(([name, child]) => [name, asSchema(child)]);
  }
  if (core instanceof z.ZodRecord) return [['*', asSchema(core.def.valueType)]];
  if (core instanceof z.ZodArray) return [['*', asSchema(core.def.element)]];
  return undefined;
}

export interface Unwrapped {
  readonly core: z.ZodType;
  readonly note: Note;
  /** What stands in the file where nothing is written. */
  readonly prefault?: unknown;
}

/** The schema without what makes it optional, and what is noted on any of its layers (the outer one wins). */
export function unwrap(schema: z.ZodType): Unwrapped {
  const { description, accepted, readLaterBy } = schema.meta() ?? {};
  const note: Note = {
    ...(description !== undefined && { description }),
    ...(accepted !== undefined && { accepted }),
    ...(readLaterBy !== undefined && { readLaterBy }),
  };
  if (!(schema instanceof z.ZodOptional || schema instanceof z.ZodExactOptional || schema instanceof z.ZodPrefault))
    return { core: schema, note };
  const inner = unwrap(asSchema(schema.def.innerType));
  return {
    core: inner.core,
    note: { ...inner.note, ...note },
    ...(schema instanceof z.ZodPrefault && { prefault: schema.def.defaultValue }),
  };
}

function asSchema(value: unknown): z.ZodType {
  if (value instanceof z.ZodType) return value;
  throw new TypeError('a schema of headroom.yaml holds something that is no schema');
}

export type JsonSchema = Readonly<Record<string, unknown>>;

/**
 * For editors (JSON Schema, draft 2020-12). In an overlay anything may be left out, and what is left out is not a default:
 * it is what the file under it says.
 */
export function policyJsonSchema(of: 'file' | 'overlay'): JsonSchema {
  return forEditors({ ...z.toJSONSchema(PolicyFile, { io: 'input' }) }, of);
}

/** Puts what is accepted, and who will read it, where an editor shows it; the marks go down to each leaf. */
function forEditors(schema: JsonSchema, of: 'file' | 'overlay', inherited?: string): JsonSchema {
  const { accepted, readLaterBy = inherited, description, required, default: fallback, ...rest } = schema;
  const later = typeof readLaterBy === 'string' ? readLaterBy : undefined;
  const isLeaf = rest['type'] !== 'object' && rest['type'] !== 'array';
  const sentences = [
    ...(typeof description === 'string' ? [description] : []),
    ...(typeof accepted === 'string' ? [`Accepted: ${accepted}.`] : []),
    ...(isLeaf && later !== undefined ? [`Not read yet; ${later} will.`] : []),
  ];
  const nested = (value: unknown) => (isMap(value) ? forEditors(value, of, later) : value);
  return {
    ...rest,
    ...(isMap(rest['properties']) && {
      properties: Object.fromEntries(Object.entries(rest['properties']).map(([name, child]) => [name, nested(child)])),
    }),
    ...(isMap(rest['additionalProperties']) && { additionalProperties: nested(rest['additionalProperties']) }),
    ...(isMap(rest['items']) && { items: nested(rest['items']) }),
    ...(sentences.length > 0 && { description: sentences.join(' ') }),
    ...(isLeaf && later !== undefined && { readLaterBy: later }),
    ...(of === 'file' && required !== undefined && { required }),
    ...(of === 'file' && fallback !== undefined && { default: fallback }),
  };
}

function isMap(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

import { hash } from 'node:crypto'

/*
 * The table, created by the migrations of the database's owner:
 *
 *   CREATE UNLOGGED TABLE cache_entries (
 *     key_hash bigint NOT NULL, key text NOT NULL, namespace text NOT NULL, generation bigint NOT NULL DEFAULT 0,
 *     payload bytea, expires_at timestamptz(3) NOT NULL, PRIMARY KEY (key_hash, key));
 *   CREATE INDEX ON cache_entries (expires_at);
 *
 * A row without payload is an open fill window. Generations are random, so that one that was lost (expired, swept,
 * emptied by crash recovery) and made anew never equals an old one: a fill that began before is refused. All
 * lifetimes are measured by the server's clock from relative ones.
 */

const IS_KEY = 'key_hash = $1 AND key = $2'
const ASKED_KEYS = 'unnest($1::bigint[], $2::text[]) AS asked (key_hash, key)'
const RANDOM_GENERATION = '(random() * 9223372036854774784)::bigint'
const LEASED = 'EXISTS (SELECT FROM cache_entries AS l WHERE l.key_hash = $5 AND l.key = $6 AND l.expires_at > clock_timestamp())'
const REMAINING = 'extract(epoch FROM expires_at - clock_timestamp()) * 1000'

/** $n milliseconds from now. */
function inMs(parameter: string): string {
  return `clock_timestamp() + ${parameter}::double precision * interval '1 millisecond'`
}

export const STATEMENT_NAMES = [
  'read',
  'readMany',
  'openWindow',
  'openWindowMany',
  'write',
  'writeMany',
  'fill',
  'fillMany',
  'delete',
  'deleteMany',
  'discard',
  'clearBatch',
  'sweepBatch',
  'probe',
  'clockRead',
  'clockCreate',
  'clockReplace',
  'leaseTake',
  'leaseLeft',
  'leaseRenew',
  'leaseRelease',
] as const
export type StatementName = (typeof STATEMENT_NAMES)[number]

export const STATEMENTS: Readonly<Record<StatementName, string>> = {
  /** $1 hash, $2 key. */
  read: `
  SELECT payload, generation::text AS generation, (${REMAINING})::double precision AS remaining_ms
  FROM cache_entries WHERE ${IS_KEY} AND expires_at > clock_timestamp()`,

  /** $1 hashes, $2 keys. */
  readMany: `
  SELECT key, payload, generation::text AS generation, (${REMAINING})::double precision AS remaining_ms
  FROM cache_entries JOIN ${ASKED_KEYS} USING (key_hash, key) WHERE expires_at > clock_timestamp()`,

  /**
   * $1 hash, $2 key, $3 namespace, $4 window in ms, $5 hash and $6 key of the lease. No row when there is a live one
   * already. An entry that ended while it is refreshed keeps its generation, so that what the holder of the lease
   * brings is still taken.
   */
  openWindow: `
  INSERT INTO cache_entries AS e (key_hash, key, namespace, generation, payload, expires_at)
  VALUES ($1, $2, $3, ${RANDOM_GENERATION}, NULL, ${inMs('$4')})
  ON CONFLICT (key_hash, key) DO UPDATE
    SET generation = CASE WHEN ${LEASED} THEN e.generation ELSE EXCLUDED.generation END,
      payload = NULL, expires_at = EXCLUDED.expires_at, namespace = EXCLUDED.namespace
    WHERE e.expires_at <= clock_timestamp()
  RETURNING generation::text AS generation`,

  /** As `openWindow`, of lists; each key once. A row for each that was opened. */
  openWindowMany: `
  WITH leased AS MATERIALIZED (
    SELECT asked.key FROM unnest($2::text[], $5::bigint[], $6::text[]) AS asked (key, lease_hash, lease_key)
    JOIN cache_entries AS l ON l.key_hash = asked.lease_hash AND l.key = asked.lease_key WHERE l.expires_at > clock_timestamp())
  INSERT INTO cache_entries AS e (key_hash, key, namespace, generation, payload, expires_at)
  SELECT key_hash, key, namespace, ${RANDOM_GENERATION}, NULL, ${inMs('window_ms')}
  FROM unnest($1::bigint[], $2::text[], $3::text[], $4::double precision[]) AS w (key_hash, key, namespace, window_ms)
  ORDER BY key_hash, key
  ON CONFLICT (key_hash, key) DO UPDATE
    SET generation = CASE WHEN e.key IN (SELECT key FROM leased) THEN e.generation ELSE EXCLUDED.generation END,
      payload = NULL, expires_at = EXCLUDED.expires_at, namespace = EXCLUDED.namespace
    WHERE e.expires_at <= clock_timestamp()
  RETURNING key, generation::text AS generation`,

  /** $1 hash, $2 key, $3 namespace, $4 payload, $5 ttl in ms. */
  write: `
  INSERT INTO cache_entries (key_hash, key, namespace, generation, payload, expires_at)
  VALUES ($1, $2, $3, ${RANDOM_GENERATION}, $4, ${inMs('$5')})
  ON CONFLICT (key_hash, key) DO UPDATE
    SET generation = EXCLUDED.generation, payload = EXCLUDED.payload, expires_at = EXCLUDED.expires_at, namespace = EXCLUDED.namespace`,

  /** $1 hashes, $2 keys, $3 namespaces, $4 payloads, $5 ttls in ms; each key once. */
  writeMany: `
  INSERT INTO cache_entries (key_hash, key, namespace, generation, payload, expires_at)
  SELECT key_hash, key, namespace, ${RANDOM_GENERATION}, payload, ${inMs('ttl_ms')}
  FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bytea[], $5::double precision[]) AS w (key_hash, key, namespace, payload, ttl_ms)
  ORDER BY key_hash, key
  ON CONFLICT (key_hash, key) DO UPDATE
    SET generation = EXCLUDED.generation, payload = EXCLUDED.payload, expires_at = EXCLUDED.expires_at, namespace = EXCLUDED.namespace`,

  /** $1 hash, $2 key, $3 payload, $4 ttl in ms, $5 generation seen. */
  fill: `
  UPDATE cache_entries SET payload = $3, generation = ${RANDOM_GENERATION}, expires_at = ${inMs('$4')}
  WHERE ${IS_KEY} AND generation = $5::bigint`,

  /** As `fill`, of lists; each key once. A row for each that was filled. Locks in the keys' order, and then looks at the generations again. */
  fillMany: `
  WITH seen AS MATERIALIZED (
    SELECT key_hash, key, w.payload, w.ttl_ms, w.generation
    FROM cache_entries AS e
    JOIN unnest($1::bigint[], $2::text[], $3::bytea[], $4::double precision[], $5::bigint[]) AS w (key_hash, key, payload, ttl_ms, generation)
      USING (key_hash, key)
    WHERE e.generation = w.generation ORDER BY key_hash, key FOR UPDATE OF e)
  UPDATE cache_entries AS e SET payload = s.payload, generation = ${RANDOM_GENERATION}, expires_at = ${inMs('s.ttl_ms')}
  FROM seen AS s WHERE e.key_hash = s.key_hash AND e.key = s.key AND e.generation = s.generation
  RETURNING e.key`,

  /** $1 hash, $2 key. */
  delete: `
  DELETE FROM cache_entries WHERE ${IS_KEY} RETURNING payload IS NOT NULL AND expires_at > clock_timestamp() AS existed`,

  /** $1 hashes, $2 keys. */
  deleteMany: `
  WITH doomed AS MATERIALIZED (
    SELECT key_hash, key FROM cache_entries JOIN ${ASKED_KEYS} USING (key_hash, key) ORDER BY key_hash, key FOR UPDATE OF cache_entries)
  DELETE FROM cache_entries AS e USING doomed AS d WHERE e.key_hash = d.key_hash AND e.key = d.key
  RETURNING e.key, e.payload IS NOT NULL AND e.expires_at > clock_timestamp() AS existed`,

  /** $1 hash, $2 key, $3 generation seen. */
  discard: `DELETE FROM cache_entries WHERE ${IS_KEY} AND generation = $3::bigint`,

  /** $1 namespace, $2 rows at most. In batches: one large delete would hold its locks for as long. */
  clearBatch: `
  DELETE FROM cache_entries WHERE (key_hash, key) IN
    (SELECT key_hash, key FROM cache_entries WHERE namespace = $1 ORDER BY key_hash, key LIMIT $2 FOR UPDATE)`,

  /** $1 rows at most. Skips rows that somebody is working on, and asks again whether each is still expired. */
  sweepBatch: `
  DELETE FROM cache_entries WHERE expires_at <= clock_timestamp() AND (key_hash, key) IN
    (SELECT key_hash, key FROM cache_entries WHERE expires_at <= clock_timestamp()
     ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED)`,

  /** Fails where the table or one of its columns is missing. */
  probe: 'SELECT key_hash, key, namespace, generation, payload, expires_at FROM cache_entries LIMIT 0',

  /** $1 hash, $2 key. Always one row; nulls where there is no clock yet. */
  clockRead: `
  SELECT e.payload, e.generation::text AS generation, floor(extract(epoch FROM clock_timestamp()) * 1000000)::text AS now_micros
  FROM (VALUES (1)) AS always LEFT JOIN cache_entries AS e ON ${IS_KEY}`,

  /** $1 hash, $2 key, $3 payload. Nothing when somebody else was faster. */
  clockCreate: `
  INSERT INTO cache_entries (key_hash, key, namespace, generation, payload, expires_at)
  VALUES ($1, $2, '#clock', ${RANDOM_GENERATION}, $3, 'infinity') ON CONFLICT (key_hash, key) DO NOTHING`,

  /** $1 hash, $2 key, $3 payload, $4 generation seen. */
  clockReplace: `UPDATE cache_entries SET payload = $3, generation = ${RANDOM_GENERATION} WHERE ${IS_KEY} AND generation = $4::bigint`,

  /** $1 hash, $2 key, $3 token, $4 lease in ms. Nothing while somebody else holds it. */
  leaseTake: `
  INSERT INTO cache_entries AS e (key_hash, key, namespace, payload, expires_at) VALUES ($1, $2, '#lease', $3, ${inMs('$4')})
  ON CONFLICT (key_hash, key) DO UPDATE SET payload = EXCLUDED.payload, expires_at = EXCLUDED.expires_at
    WHERE e.expires_at <= clock_timestamp() OR e.payload = EXCLUDED.payload`,

  /** $1 hash, $2 key. */
  leaseLeft: `SELECT (${REMAINING})::double precision AS remaining_ms FROM cache_entries WHERE ${IS_KEY}`,

  /** $1 hash, $2 key, $3 token, $4 lease in ms. */
  leaseRenew: `UPDATE cache_entries SET expires_at = ${inMs('$4')} WHERE ${IS_KEY} AND payload = $3`,

  /** $1 hash, $2 key, $3 token. */
  leaseRelease: `DELETE FROM cache_entries WHERE ${IS_KEY} AND payload = $3`,
}

/** Sixty-four bits make a small index; the key itself is compared as well, so a collision costs nothing. */
export function hashOf(id: string): string {
  return hash('sha256', id, 'buffer').readBigInt64BE(0).toString()
}

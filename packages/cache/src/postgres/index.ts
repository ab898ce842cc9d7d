export { postgresTier, type PostgresPoolPort, type PostgresTierOptions } from './postgres-tier.ts'

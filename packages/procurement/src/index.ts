export { analyzePortal, runContractRules, type Analysis, type AnalyzeOptions } from './analyze.ts'
export {
  addDays,
  civilDate,
  datePartsOf,
  daysBetween,
  formatBrazilianDate,
  formatIsoDate,
  parseBrazilianDate,
  parseIsoDate,
  WEEKDAYS,
  weekdayOf,
  yearOf,
  type CivilDate,
  type DateParts,
  type Weekday,
} from './values/civil-date.ts'
export { matchesFilter, type ContractFilter } from './contracts/contract-filter.ts'
export {
  fingerprintPortalContracts,
  loadPortalContracts,
  readContracts,
  scanContracts,
  type ContractTable,
  type LoadOptions,
  type ScanOptions,
  type ScanResult,
} from './contracts/contract-source.ts'
export {
  analyzePortalItems,
  fingerprintPortalItems,
  readPortalItems,
  type AnalyzeItemsOptions,
  type ItemAnalysis,
} from './items/analyze-items.ts'
export type { PortalItem, PricedItem, RegisteredItem } from './items/item.ts'
export type { Amendment, Apostille } from './changes/contract-change.ts'
export { readAmendments, readApostilles } from './changes/read-changes.ts'
export {
  analyzeInstitute,
  analyzeInstitutePurchases,
  analyzeRegisteredItems,
  readInstituteContracts,
  readInstitutePurchases,
  readRegisteredItems,
  scanInstitute,
  type AnalyzeInstituteOptions,
  type InstituteAnalysis,
  type InstituteFilter,
  type InstitutePurchaseAnalysis,
  type InstituteScan,
  type RegisteredItemAnalysis,
} from './purchases/analyze-institute.ts'
export {
  directPurchaseOfContract,
  directPurchasesOfInstitute,
  type DirectPurchase,
  type PurchaseShare,
} from './purchases/direct-purchase.ts'
export {
  LIMIT_PURPOSES,
  lowValueBasis,
  PROCUREMENT_LAWS,
  type LimitPurpose,
  type LowValueBasis,
  type ProcurementLaw,
} from './purchases/legal-basis.ts'
export { directPurchaseLimit, type LimitQuestion } from './purchases/legal-limits.ts'
export type { InstituteContract, InstitutePurchase } from './purchases/purchase.ts'
export { ContractTotals, type ContractSummary } from './contracts/contract-summary.ts'
export {
  SUPPLIER_KINDS,
  type Contract,
  type ContractFacts,
  type PublicBody,
  type RowPosition,
  type Supplier,
  type SupplierKind,
} from './contracts/contract.ts'
export {
  ArchiveLimitError,
  ArchiveUnreadableError,
  FileEmptyError,
  FilterUnsupportedError,
  HeaderMismatchError,
  PortalKeyRefusedError,
  PortalResponseError,
  PortalUnavailableError,
  ProcurementOptionError,
  SnapshotInvalidError,
  SourceAddressRefusedError,
  SourceDeadlineError,
  SourceDownloadError,
  SourceMixedError,
  SourceNotFoundError,
  SourceTooLargeError,
  SourceUnreadableError,
  SourceWithoutFilesError,
  TooManyContractsError,
  WrongEncodingError,
} from './errors.ts'
export {
  FINDING_OUTCOMES,
  RULE_IDS,
  SEVERITIES,
  type Finding,
  type FindingOutcome,
  type FindingValue,
  type FindingValues,
  type RuleId,
  type Severity,
} from './findings/finding.ts'
export type {
  BuyerRecord,
  ContractRecord,
  FindingRecord,
  ItemRecord,
  PurchaseRecord,
  SupplierReference,
} from './findings/finding-record.ts'
export { easterOf, NATIONAL_HOLIDAYS, nationalHolidayOn, type NationalHoliday } from './values/holidays.ts'
export {
  cnpjCheckDigits,
  IDENTIFIER_CHECKS,
  isValidCnpj,
  isValidCpf,
  maskCpfs,
  normalizeCnpj,
  type IdentifierCheck,
} from './values/identifiers.ts'
export { formatQuantity, parseQuantity, type Quantity } from './values/quantity.ts'
export type { LocalizedText } from './values/localized-text.ts'
export {
  addMoney,
  compareMoney,
  displayMoney,
  formatMoney,
  leadingDigits,
  parseDecimalMoney,
  parseMoney,
  ratioOf,
  reais,
  ZERO,
  type Money,
} from './values/money.ts'
export { createAmendmentGrowth, type AmendmentGrowthOptions } from './rules/amendment-growth.ts'
export { createBenfordFirst, type BenfordFirstOptions } from './rules/benford/benford-first.ts'
export { createBenfordFirstTwo, type BenfordFirstTwoOptions } from './rules/benford/benford-first-two.ts'
export { CONFORMITIES, type Conformity } from './rules/benford/benford-statistics.ts'
export { createCalendar, type CalendarOptions } from './rules/calendar.ts'
export { createDuplicateContract, type DuplicateContractOptions } from './rules/duplicate-contract.ts'
export { createInvalidIdentifier, type InvalidIdentifierOptions } from './rules/invalid-identifier.ts'
export { createLatePublication, type LatePublicationOptions } from './rules/late-publication.ts'
export {
  allRules,
  isContractRuleId,
  RULE_INPUTS,
  startContractRule,
  startContractRules,
  type ContractRuleId,
  type ContractRuleOptions,
  type ContractRuleSelection,
  type RegisteredRule,
  type RuleInput,
} from './rules/registry.ts'
export { createRoundValue, type RoundValueOptions } from './rules/round-value.ts'
export { DEFAULT_MAX_RECORDS, type RuleDescription, type RuleOptions, type RuleRun } from './rules/rule.ts'
export { createSupplierConcentration, type SupplierConcentrationOptions } from './rules/supplier-concentration.ts'
export { createPriceOutlier, type PriceOutlierOptions } from './rules/prices/price-outlier.ts'
export { createContractSplitting, createThresholdSplitting, type ThresholdSplittingOptions } from './rules/splitting/threshold-splitting.ts'
export { isSnapshot, snapshotName, writeSnapshot } from './contracts/contract-snapshot.ts'
export { fingerprintSource, identifySource, SOURCE_TABLES, type SourceFingerprint, type SourceTable } from './source/identify-source.ts'
export { type ReadOptions, type ReadProgress } from './source/read-table.ts'
export { type ScanTableOptions, type SourceSummary, type TableScan } from './source/scan-table.ts'
export { REJECT_REASONS, type RejectedRow, type RejectReason, type RejectSummary } from './table/rejected-row.ts'
export type { SourceLimits } from './source/source-limits.ts'
export type { FileDigest, TableEvent } from './table/table.ts'
export { findSuperiorOrgans, SUPERIOR_ORGANS, superiorOrganByCode, type SuperiorOrgan } from './contracts/superior-organs.ts'
export type { PlantedAnomaly } from './synthetic/planting.ts'
export { PLANTABLE_RULES, type PlantableRule, type PlantedCounts, type SyntheticOptions } from './synthetic/synthetic-options.ts'
export { scoreRules, type RuleScore } from './synthetic/score-rules.ts'
export {
  generateSyntheticPortal,
  writeSyntheticPortal,
  type SyntheticItems,
  type SyntheticPortal,
  type WrittenPortal,
} from './synthetic/synthetic-portal.ts'
export { SupplierTotals, type SupplierTotal } from './contracts/supplier-totals.ts'
export { crossCheck, type CrossCheck, type CrossCheckedCase, type CrossCheckOptions, type Evidence } from './cross-check/cross-check.ts'
export { EVIDENCE_FAMILIES, type EvidenceFamily } from './cross-check/evidence.ts'
export { LANGUAGES, type Language } from './findings/number-text.ts'
export { REPORT_FORMATS, type ReportFormat, type ReportInput, type ReportOptions } from './report/report-input.ts'
export { renderReport } from './report/render-report.ts'
export { REACHABLE_ADDRESSES, type DownloadOptions, type ReachableAddresses } from './download/download-options.ts'
export { openSource, type LocalSource } from './download/download-source.ts'
export { createPortalApiClient, type PortalApiClient, type PortalQuestion } from './portal-api/portal-api-client.ts'
export type { PortalApiOptions, ResponseCache } from './portal-api/portal-api-options.ts'
